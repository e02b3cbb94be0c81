package io.gyre.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive as its user has it: unpacked, on a machine without Maven. */
class ArchiveIT {

    private static final long TIMEOUT_SECONDS = 240;

    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

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
        return Command.start(directory, Map.of(), command).succeed();
    }

    /** A process, and a file with what it prints. */
    private record Command(List<String> words, Process process, Path output) {

        static Command start(Path directory, Map<String, String> environment, String... words) throws IOException {
            Path output = Files.createTempFile(directory, "output", ".txt");
            ProcessBuilder builder = new ProcessBuilder(words)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment()
                    .merge("PATH", "", (path, none) -> directory.resolve("no-maven") + File.pathSeparator + path);
            builder.environment().putAll(environment);
            return new Command(List.of(words), builder.start(), output);
        }

        int end() throws InterruptedException {
            boolean ended = process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            assertThat(ended).as("ended: %s%n%s", words, text()).isTrue();
            return process.exitValue();
        }

        String succeed() throws InterruptedException {
            assertThat(end()).as(() -> words + "\n" + text()).isZero();
            return text();
        }

        String text() {
            try {
                return Files.readString(output, StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
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

    /** Copies the jars of lib whose names match, and no others. */
    private static Path modules(String name, String regex) throws IOException {
        Path modules = Files.createDirectory(directory.resolve(name));
        try (Stream<Path> jars = Files.list(gyre.resolve("lib"))) {
            for (Path jar : jars.filter(path -> path.getFileName().toString().matches(regex))
                    .toList()) {
                Files.copy(jar, modules.resolve(jar.getFileName()));
            }
        }
        return modules;
    }

    @Test
    void ranksTrainOnTheModulePath() throws Exception {
        Path modules = modules(
                "modules",
                "(gyre-(core|openblas|allreduce|paramserver|transport)"
                        + "|aeron|agrona|bc\\w+|slf4j|jspecify|javacpp|openblas)-.*");
        Path source = Path.of("src/test/resources/io/gyre/dist/module-path").toAbsolutePath();
        Path program = directory.resolve("program");
        run(
                Path.of(JAVA).resolveSibling("javac").toString(),
                "-d",
                program.toString(),
                "-p",
                modules.toString(),
                source.resolve("module-info.java").toString(),
                source.resolve("app/Rank.java").toString());

        List<Command> ranks = new ArrayList<>();
        for (String rank : List.of("0", "1")) {
            ranks.add(Command.start(
                    directory,
                    Map.of(
                            "GYRE_RANK",
                            rank,
                            "GYRE_WORLD_SIZE",
                            "2",
                            "GYRE_RENDEZVOUS",
                            directory.resolve("meet").toString()),
                    JAVA,
                    "--add-opens=java.base/jdk.internal.misc=org.agrona",
                    "--add-modules=ALL-MODULE-PATH",
                    "-p",
                    modules + File.pathSeparator + program,
                    "-m",
                    "app/app.Rank"));
        }

        for (Command rank : ranks) {
            assertThat(rank.succeed())
                    .contains("module app: sum 3.0", "module io.gyre.paramserver: fitted 3.000")
                    .doesNotContain("there is no OpenBLAS");
        }
    }

    /** When this test fails, Deeplearning4j has mended its modules, and gyre-dl4j may work there, too. */
    @Test
    void theModuleOfNd4jIsRefusedByTheJvm() throws Exception {
        Path modules = modules("nd4j", "nd4j-api-.*");
        Command java = Command.start(directory, Map.of(), JAVA, "-p", modules.toString(), "--list-modules");

        assertThat(java.end()).as(java.text()).isNotZero();
        assertThat(java.text()).contains("Package org.nd4j.autodiff.validation.listeners not found in module");
    }
}
