package io.gyre.live;

import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.Runs;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gyre live NAME}: shows a run, under way or ended, in a browser, until this process ends. */
@Command(
        name = "live",
        description = "Shows a run in a browser, under way or ended, until Ctrl-C.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class LiveCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(paramLabel = "NAME", description = "Name of the run, or path of its directory.")
    private String name = "";

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            defaultValue = "runs",
            description = "Where the run directories are. Default: runs.")
    private Path directory = RunFiles.DEFAULT_PARENT;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "0",
            description = "Where the page listens. Default: any free port.")
    private int port;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description = "An address of this host to listen at, with a token. Default: for programs of this host.")
    private @Nullable String bind;

    @Override
    public Integer call() throws InterruptedException {
        LiveAddress address = bind == null ? LiveAddress.loopback(port) : LiveAddress.of("--bind", bind, port);
        RunFiles files = new Runs(directory).named(name);
        RunRecord.read(files);
        try (LivePage page = LivePage.open(files, address)) {
            PrintWriter out = specification.commandLine().getOut();
            out.println(files.directory() + " is shown at " + page.url() + " until Ctrl-C");
            out.flush();
            page.awaitClosed();
        }
        return 0;
    }
}
