package io.gyre.runs;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre runs show NAME}: all that is known of a run. */
@Command(name = "show", description = "Shows a run.", mixinStandardHelpOptions = true, usageHelpAutoWidth = true)
public final class ShowRunCommand implements Callable<Integer> {

    @ParentCommand
    private RunsCommand parent = new RunsCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    @Parameters(paramLabel = "NAME", description = "Name of the run, or path of its directory.")
    private String name = "";

    @Override
    public Integer call() throws IOException {
        Runs.Seen run = Runs.see(parent.runs().named(name));
        RunRecord record = run.record();
        if (record == null) {
            throw new BadRunException(String.valueOf(run.problem()));
        }
        PrintWriter out = specification.commandLine().getOut();
        if (json) {
            out.print(Runs.json(List.of(run)));
        } else {
            out.println("run          " + run.files().directory());
            out.println("state        " + run.state() + (record.failure() == null ? "" : ": " + record.failure()));
            if (record.parent() != null) {
                out.println("forked from  " + record.parent().run() + " at step "
                        + record.parent().step());
            }
            out.println("checkpoints  " + RunFiles.checkpointSteps(record.checkpoints(run.files())));
            for (RunRecord.Attempt attempt : record.attempts()) {
                out.println("attempt      " + attempt.began() + " to "
                        + (attempt.ended() == null ? "?" : attempt.ended()) + ", from step " + attempt.firstStep());
            }
            run.metrics().forEach((metric, value) -> out.printf("  %-22s %s%n", metric, number(value)));
            out.println();
            out.print(ModelCard.of(record, List.of()).markdown());
        }
        out.flush();
        return 0;
    }

    private static String number(double value) {
        return value == Math.rint(value) ? "%,.0f".formatted(value) : "%.6g".formatted(value);
    }
}
