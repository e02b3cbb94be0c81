package io.gyre.samples;

import io.gyre.launcher.CompletionCommand;
import io.gyre.launcher.DoctorCommand;
import io.gyre.launcher.GyreCommandLine;
import io.gyre.launcher.SecretCommand;
import io.gyre.launcher.TemplateCommand;
import io.gyre.live.LiveCommand;
import io.gyre.live.TopCommand;
import io.gyre.queue.QueueCommand;
import io.gyre.queue.SweepCommand;
import io.gyre.runs.RunCommand;
import io.gyre.runs.RunsCommand;
import io.gyre.samples.init.InitCommand;
import io.gyre.samples.train.TrainCommand;
import picocli.CommandLine.Command;

/** The command line: {@code bin/gyre}. */
@Command(
        name = "gyre",
        description = "Trains Deeplearning4j models on many JVMs.",
        mixinStandardHelpOptions = true,
        subcommands = {
            TrainCommand.class,
            RunCommand.class,
            RunsCommand.class,
            QueueCommand.class,
            SweepCommand.class,
            LiveCommand.class,
            TopCommand.class,
            InitCommand.class,
            TemplateCommand.class,
            DoctorCommand.class,
            SecretCommand.class,
            TimelineCommand.class,
            CompletionCommand.class
        },
        footer = "  bench       Measures what Gyre is made of: a program of its own, see bin/gyre bench --help.")
public final class GyreCommand {

    private GyreCommand() {}

    /** Ends the JVM with 0 if the work was done and checked, 2 for bad arguments, else 1. */
    public static void main(String[] arguments) {
        System.exit(GyreCommandLine.of(new GyreCommand()).execute(arguments));
    }
}
