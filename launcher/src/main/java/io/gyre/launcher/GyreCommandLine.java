package io.gyre.launcher;

import io.gyre.GyreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;

/** How all commands of {@code gyre} treat arguments and errors. */
public final class GyreCommandLine {

    private static final Logger log = LoggerFactory.getLogger(GyreCommandLine.class);

    private GyreCommandLine() {}

    /**
     * Creates a command line. Bad arguments, or an {@link IllegalArgumentException} of the command, give exit status 2
     * and one line; a {@link GyreException} or an I/O exception gives 1 and its message; anything else is a bug in
     * Gyre, and gives 1 and a stack trace.
     *
     * @param command an object with picocli's annotations; its subcommands are treated alike
     */
    public static CommandLine of(Object command) {
        CommandLine line = new CommandLine(command);
        tellVersion(line);
        return line
                // A user's program may have arguments that begin with an @.
                .setExpandAtFiles(false)
                .setParameterExceptionHandler((e, arguments) -> badArguments(e.getCommandLine(), e))
                .setExecutionExceptionHandler((e, commandLine, parsed) -> failed(commandLine, e));
    }

    private static void tellVersion(CommandLine line) {
        line.getCommandSpec().versionProvider(new VersionLines());
        line.getSubcommands().values().forEach(GyreCommandLine::tellVersion);
    }

    private static int badArguments(CommandLine commandLine, Exception e) {
        String name = commandLine.getCommandSpec().qualifiedName();
        say(commandLine, message(e) + " (" + name + " --help lists the options)", e);
        return ExitCode.USAGE;
    }

    private static int failed(CommandLine commandLine, Exception e) throws Exception {
        if (e instanceof IllegalArgumentException) {
            return badArguments(commandLine, e);
        }
        if (e instanceof GyreException || e instanceof IOException || e instanceof UncheckedIOException) {
            say(commandLine, message(e), e);
            return ExitCode.SOFTWARE;
        }
        throw e;
    }

    private static String message(Exception e) {
        return Objects.requireNonNullElseGet(e.getMessage(), e::toString);
    }

    private static void say(CommandLine commandLine, String message, Exception e) {
        log.debug("Where that came from", e);
        commandLine.getErr().println(commandLine.getCommandSpec().qualifiedName() + ": " + message);
    }
}
