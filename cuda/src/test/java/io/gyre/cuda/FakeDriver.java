package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;

/**
 * A CUDA driver without a GPU, in this JVM: {@code fake-driver.cpp}, compiled by {@code g++}. Loaded before JCuda's
 * library, which then finds it as {@code libcuda.so.1}.
 */
public final class FakeDriver {

    private static final Path SOURCES = Path.of("src/test/cpp");
    private static final Path KERNELS = Path.of("src/main/resources/io/gyre/cuda");

    private static boolean loaded;

    private FakeDriver() {}

    /** Loads it into this JVM; without a compiler the test is skipped with a reason. */
    static synchronized void load() {
        if (!loaded) {
            System.load(compiled().toString());
            loaded = true;
        }
    }

    /** Loads and configures it. */
    public static void load(int devices, int delayMicros) {
        load();
        // Before its first use: JCublas looks for it only once per JVM.
        FakeCublas.load();
        configure(devices, delayMicros, 86);
    }

    /** The library, compiled once for each version of the sources. */
    static Path compiled() {
        return FakeLibrary.compiled(
                "libcuda.so.1",
                List.of(SOURCES.resolve("fake-driver.cpp")),
                List.of(SOURCES.resolve("host-kernels.h"), KERNELS.resolve(CudaKernels.SOURCE)),
                List.of("-I", KERNELS.toString()));
    }

    /** Fails if anything was leaked: allocations, pins, streams, events, contexts and current contexts. */
    public static void assertNothingIsLeft() {
        long leaks = leaks();
        String[] kinds = {"allocations", "pins", "streams", "events", "contexts", "current contexts"};
        for (int i = 0; i < kinds.length; i++) {
            assertThat((leaks >>> (8 * i)) & 0xff)
                    .as(kinds[i] + " that are left")
                    .isZero();
        }
        assertThat(pageableCopies()).as("copies to or from pageable memory").isZero();
    }

    static native void configure(int devices, int delayMicros, int capability);

    /** Makes a kernel fail: 1 for the next launch. */
    static native void failLaunch(int inSoMany);

    /** Makes all devices disappear. */
    static native void loseDevice(int inSoManyCalls);

    /** Makes every kernel take this long. */
    static native void slowKernels(int micros);

    static native void limitMemory(long bytes);

    /** Stops all streams. */
    static native void hang(int yes);

    static native long pageableCopies();

    private static native long leaks();
}
