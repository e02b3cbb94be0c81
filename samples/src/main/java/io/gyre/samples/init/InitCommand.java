package io.gyre.samples.init;

import io.gyre.launcher.Shell;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code gyre init DIRECTORY}: writes a small Maven project that trains, to begin from.
 *
 * <p>Its files are in {@code src/main/init/app}. The build fills in the versions, and builds and tests the project as a
 * user would.
 */
@Command(
        name = "init",
        description = "Writes a small Maven project that trains, to begin from.",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class InitCommand implements Callable<Integer> {

    private static final List<String> FILES =
            List.of("pom.xml", "README.md", "src/main/java/app/Train.java", "src/test/java/app/TrainTest.java");

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(paramLabel = "DIRECTORY", description = "A new directory. Its name becomes the project's.")
    private Path directory = Path.of("");

    @Override
    public Integer call() throws IOException {
        Path target = directory.toAbsolutePath().normalize();
        Path last = target.getFileName();
        String name = last == null ? "" : last.toString();
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("directory " + directory + ": '" + name
                    + "' cannot be a project's name: use letters, digits, and . _ - after the first");
        }
        checkNew(target);
        for (String file : FILES) {
            Path path = target.resolve(file);
            Files.createDirectories(path.getParent());
            Files.writeString(path, read(file).replace("@app.name@", name));
        }
        specification
                .commandLine()
                .getOut()
                .printf(
                        "wrote %s%nTrain it:   %s && mvn -q compile exec:exec%n",
                        target, Shell.line(List.of("cd", directory.toString())));
        return 0;
    }

    private void checkNew(Path target) throws IOException {
        if (!Files.exists(target)) {
            return;
        }
        if (!Files.isDirectory(target)) {
            throw new IllegalArgumentException("directory " + directory + " is a file: name a new directory");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(target)) {
            if (entries.iterator().hasNext()) {
                throw new IllegalArgumentException("directory " + directory + " is not empty: name a new directory");
            }
        }
    }

    private static String read(String file) throws IOException {
        try (InputStream in = InitCommand.class.getResourceAsStream("app/" + file)) {
            if (in == null) {
                throw new FileNotFoundException("io/gyre/samples/init/app/" + file
                        + " is not on the class path: bin/gyre builds it, and the archive has it");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
