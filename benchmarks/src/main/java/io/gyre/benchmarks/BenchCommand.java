package io.gyre.benchmarks;

import io.gyre.benchmarks.soak.SoakCommand;
import io.gyre.launcher.GyreCommandLine;
import picocli.CommandLine.Command;

/** The command line of everything that measures: {@code bin/gyre bench}. */
@Command(
        name = "gyre bench",
        description = "Measures the parts of Gyre, and checks every result.",
        mixinStandardHelpOptions = true,
        subcommands = {
            AllReduceCommand.class,
            ServerCommand.class,
            StragglerCommand.class,
            ScalingCommand.class,
            SoakCommand.class,
            KillsCommand.class,
            RecoveryCommand.class,
            ObserverCommand.class,
            DataCommand.class,
            JmhCommand.class
        })
public final class BenchCommand {

    BenchCommand() {}

    /** Ends the JVM with 0 if all was measured and checked, 2 for bad arguments, else 1. */
    public static void main(String[] arguments) {
        System.exit(GyreCommandLine.of(new BenchCommand()).execute(arguments));
    }
}
