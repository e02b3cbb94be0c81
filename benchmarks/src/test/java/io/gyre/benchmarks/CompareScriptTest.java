package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code benchmarks/peers/compare} in its own checkout, with tools that only print what they would do. */
@EnabledOnOs(OS.LINUX)
class CompareScriptTest {

    @TempDir
    private Path directory;

    private Path peers;
    private Path tools;

    private record Result(int status, String out, String err) {}

    @BeforeEach
    void makeCheckout() throws IOException {
        peers = Files.createDirectories(directory.resolve("benchmarks/peers"));
        tools = Files.createDirectory(directory.resolve("tools"));
        try (Stream<Path> files = Files.list(Path.of("peers"))) {
            for (Path file : files.toList()) {
                Files.copy(file, peers.resolve(file.getFileName()));
            }
        }
        Path bin = Files.createDirectory(directory.resolve("bin"));
        script(bin.resolve("gyre"), """
                while [ $# -gt 0 ]; do
                    if [ "$1" = --report ]; then
                        printf '"bytes": 4096,\\n"median_us": 10,\\n"p99_us": 12,\\n"best_us": 9,\\n"rounds": 5\\n' >"$2"
                    fi
                    shift
                done
                """);
        script(tools.resolve("cc"), "for out; do :; done; echo 'echo 4096 20 24 18 5' >\"$out\"; chmod +x \"$out\"\n");
        script(tools.resolve("mpirun"), """
                if [ "$1" = --version ]; then echo 'mpirun (Open MPI) 4.1.4'; exit; fi
                echo 4096 40 48 36 5
                """);
    }

    /** A Python, with PyTorch or without. */
    private void python(boolean hasTorch) throws IOException {
        script(tools.resolve("python3"), "[ \"$1\" != -c ] || exit " + (hasTorch ? 0 : 1) + "\necho 4096 30 36 27 5\n");
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Result compare() throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(List.of(peers.resolve("compare").toString(), "-r", "1", "-b", "4K"));
        builder.environment().put("PATH", tools + ":/usr/bin:/bin");
        Path err = directory.resolve("err");
        Process process = builder.redirectError(err.toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), out, Files.readString(err));
    }

    @Test
    void peersTakePartWhereTheyAreWhole() throws Exception {
        script(tools.resolve("mpicc"), "exit 0\n");
        python(true);

        Result result = compare();

        assertThat(result.status()).as(result.err()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .containsPattern("bytes +openmpi +shm-c +gloo +gyre")
                .containsPattern("4096 +40.0 +20.0 +30.0 +10.0");
    }

    @Test
    void openMpiWithoutHeadersAndGlooWithoutPyTorchAreLeftOutAndThePackagesAreNamed() throws Exception {
        script(tools.resolve("mpicc"), "echo 'mpi.h: No such file' >&2; exit 1\n");
        python(false);

        Result result = compare();

        assertThat(result.status()).as(result.err()).isZero();
        assertThat(result.err())
                .isEqualTo("compare: mpicc finds no mpi.h: Open MPI is left out. Install its headers:"
                        + " libopenmpi-dev (Debian, Ubuntu), openmpi-devel (Fedora, RHEL)\n"
                        + "compare: python3 has no PyTorch: Gloo is left out. Install python3-torch (Debian, Ubuntu),"
                        + " or name a Python that has it: PYTHON=/usr/bin/python3\n");
        assertThat(result.out()).containsPattern("bytes +shm-c +gyre").doesNotContain("openmpi", "gloo");
    }
}
