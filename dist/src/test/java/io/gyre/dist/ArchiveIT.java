package io.gyre.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive as its user has it: unpacked, on a machine without Maven. */
class ArchiveIT {

    private static final long TIMEOUT_SECONDS = 240;

    @TempDir
    private static Path directory;

    private static Path gyre;

    @BeforeAll
    static void unpack() throws Exception {
        String archive = System.getProperty("gyre.archive");
        run("tar", "-xzf", archive);
        String name = Path.of(archive).getFileName().toString();
        gyre = directory.resolve(name.substring(0, name.length() - ".tar.gz".length()));
        // Found before any other: a build would fail.
        Path bin = Files.createDirectories(directory.resolve("no-maven"));
        Path maven = bin.resolve("mvn");
        Files.writeString(maven, "#!/bin/sh\necho Maven was started >&2\nexit 99\n");
        assertThat(maven.toFile().setExecutable(true)).isTrue();
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Path output = Files.createTempFile(directory, "output", ".txt");
        ProcessBuilder process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        process.environment()
                .merge("PATH", "", (path, none) -> directory.resolve("no-maven") + File.pathSeparator + path);
        Process running = process.start();
        boolean ended = running.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
            running.destroyForcibly();
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(ended).as("ended: %s%n%s", List.of(command), text).isTrue();
        assertThat(running.exitValue()).as("%s%n%s", List.of(command), text).isZero();
        return text;
    }

    private static String gyre(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(gyre.resolve("bin/gyre").toString()));
        command.addAll(List.of(arguments));
        return run(command.toArray(String[]::new));
    }

    @Test
    void saysItsVersions() throws Exception {
        assertThat(gyre("--version"))
                .contains("Gyre 0.", "Java ", "Deeplearning4j 1.0.0", "Aeron ")
                .doesNotContain("unknown");
    }

    @Test
    void trainsOnTwoRanks() throws Exception {
        assertThat(gyre("train", "mlp", "-n", "2", "--steps", "3"))
                .contains("equal on all ranks", "INFO")
                .doesNotContain("SLF4J");
    }

    @Test
    void hasTheBenchmarks() throws Exception {
        assertThat(gyre("bench", "--help")).contains("allreduce");
    }

    @Test
    void completesCommands() throws Exception {
        Path completion = gyre.resolve("completions/gyre.bash");

        String completed = run(
                "bash",
                "-c",
                "source " + completion + "; COMP_WORDS=(gyre tr); COMP_CWORD=1; COMP_LINE='gyre tr'; "
                        + "COMP_POINT=${#COMP_LINE}; _complete_gyre gyre tr gyre; echo \"${COMPREPLY[@]}\"");

        assertThat(completed).isEqualToIgnoringNewLines("train");
    }

    @Test
    void writesAProjectWithVersionsFilledIn() throws Exception {
        gyre("init", "my-app");

        assertThat(directory.resolve("my-app/pom.xml"))
                .content()
                .contains("<artifactId>my-app</artifactId>")
                .doesNotContain("@");
        assertThat(directory.resolve("my-app/README.md")).content().contains("target/my-app-1.jar");
        assertThat(directory.resolve("my-app/src/main/java/app/Train.java")).exists();
    }
}
