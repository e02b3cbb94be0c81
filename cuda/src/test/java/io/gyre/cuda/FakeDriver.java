package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A CUDA driver without a GPU, in this JVM: {@code fake-driver.cpp}, compiled by {@code g++}. Loaded before JCuda's library, it is what
 * that library finds when it looks for {@code libcuda.so.1}.
 */
final class FakeDriver {

    private static final Path SOURCES = Path.of("src/test/cpp");
    private static final Path KERNELS = Path.of("src/main/resources/io/gyre/cuda");

    private static boolean loaded;

    private FakeDriver() {}

    /** Loads it into this JVM; a test is skipped, and says why, where there is no compiler. */
    static synchronized void load() {
        if (!loaded) {
            System.load(compiled().toString());
            loaded = true;
        }
    }

    /** Loads it and sets it up anew. */
    static void load(int devices, boolean peers, int delayMicros) {
        load();
        configure(devices, peers ? 1 : 0, delayMicros, 86);
    }

    /** The library, compiled once for each version of the sources. */
    static synchronized Path compiled() {
        try {
            assumeTrue(hasCompiler(), "there is no g++ that compiles the fake CUDA driver: its tests are skipped");
            Path library =
                    Path.of("target", "fake-driver", hash(), "libcuda.so.1").toAbsolutePath();
            if (!Files.exists(library)) {
                compile(library);
            }
            return library;
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("cannot compile the fake CUDA driver", e);
        }
    }

    private static boolean hasCompiler() throws IOException, InterruptedException {
        try {
            return new ProcessBuilder("g++", "--version")
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static void compile(Path library) throws IOException, InterruptedException {
        Files.createDirectories(library.getParent());
        Path part = Files.createTempFile(library.getParent(), "libcuda", ".part");
        Process compiler = new ProcessBuilder(
                        "g++",
                        "-std=c++17",
                        "-O2",
                        "-ffp-contract=off",
                        "-shared",
                        "-fPIC",
                        "-pthread",
                        "-I",
                        KERNELS.toString(),
                        "-Wl,-soname,libcuda.so.1",
                        "-o",
                        part.toString(),
                        SOURCES.resolve("fake-driver.cpp").toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(compiler.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(compiler.exitValue()).as(output).isZero();
        Files.move(part, library, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String hash() throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (Path source : List.of(
                    SOURCES.resolve("fake-driver.cpp"),
                    SOURCES.resolve("host-kernels.h"),
                    KERNELS.resolve(CudaKernels.SOURCE))) {
                digest.update(Files.readAllBytes(source));
            }
            return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What was not given back: allocations, pins, streams, events, contexts and current contexts. */
    static void assertNothingIsLeft() {
        long leaks = leaks();
        String[] kinds = {"allocations", "pins", "streams", "events", "contexts", "current contexts"};
        for (int i = 0; i < kinds.length; i++) {
            assertThat((leaks >>> (8 * i)) & 0xff)
                    .as(kinds[i] + " that are left")
                    .isZero();
        }
        assertThat(pageableCopies()).as("copies to or from pageable memory").isZero();
    }

    static native void configure(int devices, int peers, int delayMicros, int capability);

    /** Lets a kernel fail: the next launch for 1. */
    static native void failLaunch(int inSoMany);

    /** Lets all devices vanish. */
    static native void loseDevice(int inSoManyCalls);

    static native void limitMemory(long bytes);

    /** Lets no stream go on. */
    static native void hang(int yes);

    static native long pageableCopies();

    private static native long leaks();
}
