package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.RunSecret;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gyre secret}: makes the secret that the hosts of a run share, or checks it. Never prints it. */
@Command(
        name = "secret",
        description = "Makes the secret that the hosts of a run share, or checks it.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class SecretCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(
            names = "--check",
            description = "Check an existing file instead, and exit with 0 if a run can use it, else with 1.")
    private boolean check;

    @Parameters(paramLabel = "FILE", description = "A new file, for 32 random bytes that only this user can read.")
    private Path file = Path.of("");

    @Override
    public Integer call() {
        return check ? checkExisting() : make();
    }

    private int checkExisting() {
        try {
            RunSecret.read(file);
        } catch (IllegalArgumentException e) {
            specification.commandLine().getErr().println(specification.qualifiedName() + ": " + e.getMessage());
            return 1;
        }
        out().println(file + " holds a secret that only its owner can read");
        return 0;
    }

    private int make() {
        Path absolute = file.toAbsolutePath().normalize();
        Path directory = absolute.getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new IllegalArgumentException("file " + file + ": there is no directory " + directory);
        }
        if (!Files.isWritable(directory)) {
            throw new IllegalArgumentException("file " + file + ": no permission to write to " + directory);
        }
        RunSecret.random(new SecureRandom()).write(absolute);
        out().println("wrote " + absolute + ": " + RunSecret.MIN_BYTES + " random bytes that only this user can read");
        out().println("Copy it to every host, under the same path:   "
                + Shell.line(List.of("scp", "-p", absolute.toString())) + " HOST:" + Shell.quote(absolute.toString()));
        out().println("Then set this where the ranks are started:    export " + GyreVariable.SECRET_FILE + "="
                + Shell.quote(absolute.toString()));
        return 0;
    }

    private PrintWriter out() {
        return specification.commandLine().getOut();
    }
}
