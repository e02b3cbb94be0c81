package io.gyre.launcher;

import io.gyre.runs.RunCommand;
import picocli.CommandLine.Command;

/** {@code gyre} with the commands of this module. */
@Command(
        name = "gyre",
        mixinStandardHelpOptions = true,
        subcommands = {RunCommand.class, DoctorCommand.class, SecretCommand.class, TemplateCommand.class})
final class GyreMain {

    public static void main(String[] arguments) {
        System.exit(GyreCommandLine.of(new GyreMain()).execute(arguments));
    }
}
