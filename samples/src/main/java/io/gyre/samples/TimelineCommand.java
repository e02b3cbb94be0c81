package io.gyre.samples;

import io.gyre.observe.TimelineMerge;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code gyre timeline}: makes one file of the parts that the ranks of a run have left. */
@Command(
        name = "timeline",
        description = "Merges the parts of a timeline, of a run that has died or whose hosts share no directory.",
        mixinStandardHelpOptions = true,
        subcommands = TimelineCommand.Merge.class,
        synopsisSubcommandLabel = "merge")
public final class TimelineCommand {

    /** {@code gyre timeline merge}. */
    @Command(
            name = "merge",
            description = "Merges all parts in a directory, FILE.rank-N.part, into timeline.json there.",
            mixinStandardHelpOptions = true,
            usageHelpAutoWidth = true)
    static final class Merge implements Runnable {

        @Parameters(paramLabel = "DIR", description = "Where the parts are, of one run.")
        private Path directory = Path.of(".");

        @Override
        public void run() {
            System.out.println(TimelineMerge.mergeDirectory(directory));
        }
    }
}
