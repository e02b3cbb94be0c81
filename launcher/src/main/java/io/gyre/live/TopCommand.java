package io.gyre.live;

import io.gyre.launcher.Terminal;
import io.gyre.runs.BadRunException;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.runs.Runs;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gyre top [NAME]}: shows a run in a terminal, as the page does in a browser. */
@Command(
        name = "top",
        description = "Shows a run in a terminal, until it has ended: curves, ranks and who waits for whom, log.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class TopCommand implements Callable<Integer> {

    private static final long REDRAW_MILLIS = 1_000;
    private static final String CLEAR = "\033[H\033[2J";

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(
            arity = "0..1",
            paramLabel = "NAME",
            description = "Name of the run, or path of its directory. Default: the one that was started last, among"
                    + " those under way if there are any.")
    private @Nullable String name;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            defaultValue = "runs",
            description = "Where the run directories are. Default: runs.")
    private Path directory = RunFiles.DEFAULT_PARENT;

    @Option(names = "--once", description = "Print once and end, as without a terminal.")
    private boolean once;

    @Override
    public Integer call() throws IOException, InterruptedException {
        RunFiles files = name == null ? newest() : new Runs(directory).named(name);
        RunRecord.read(files);
        RunView view = new RunView(files, Clock.systemUTC());
        TopScreen screen = new TopScreen();
        PrintWriter out = specification.commandLine().getOut();
        if (once || !Terminal.isOurs()) {
            screen.add(view.look());
            screen.lines(TerminalSize.NONE).forEach(out::println);
            out.flush();
            return 0;
        }
        boolean last = false;
        while (!last) {
            RunView.News news = view.look();
            screen.add(news);
            out.print(CLEAR);
            screen.lines(TerminalSize.ask()).forEach(out::println);
            out.flush();
            if (news.record() == null) {
                throw new BadRunException(String.valueOf(news.problem()));
            }
            last = news.isLast();
            if (!last) {
                Thread.sleep(REDRAW_MILLIS);
            }
        }
        return 0;
    }

    private RunFiles newest() throws IOException {
        List<Runs.Seen> all = new Runs(directory)
                .all().stream().filter(run -> run.record() != null).toList();
        List<Runs.Seen> underWay =
                all.stream().filter(run -> run.state() == RunState.RUNNING).toList();
        return (underWay.isEmpty() ? all : underWay)
                .stream()
                        .max(Comparator.comparing(TopCommand::began))
                        .map(Runs.Seen::files)
                        .orElseThrow(() -> new IllegalArgumentException(
                                "no runs in " + directory + ": gyre train keeps one there each time"));
    }

    private static String began(Runs.Seen run) {
        RunRecord record = run.record();
        return record == null ? "" : record.lastAttempt().began();
    }
}
