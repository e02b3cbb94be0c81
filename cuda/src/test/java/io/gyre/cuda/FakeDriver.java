package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;

/**
 * A CUDA driver without a GPU, in this JVM: {@code fake-driver.cpp}, compiled by {@code g++}. Loaded before JCuda's
 * library, it is what that library finds when it looks for {@code libcuda.so.1}.
 */
public final class FakeDriver {

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
    public static void load(int devices, boolean peers, int delayMicros) {
        load();
        // Before somebody asks for it: JCublas looks for it once in the life of a JVM.
        FakeCublas.load();
        configure(devices, peers ? 1 : 0, delayMicros, 86);
    }

    /** The library, compiled once for each version of the sources. */
    static Path compiled() {
        return FakeLibrary.compiled(
                "libcuda.so.1",
                List.of(SOURCES.resolve("fake-driver.cpp")),
                List.of(SOURCES.resolve("host-kernels.h"), KERNELS.resolve(CudaKernels.SOURCE)),
                List.of("-I", KERNELS.toString()));
    }

    /** What was not given back: allocations, pins, streams, events, contexts and current contexts. */
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

    static native void configure(int devices, int peers, int delayMicros, int capability);

    /** Lets a kernel fail: the next launch for 1. */
    static native void failLaunch(int inSoMany);

    /** Lets all devices vanish. */
    static native void loseDevice(int inSoManyCalls);

    /** Lets every kernel take so long. */
    static native void slowKernels(int micros);

    static native void limitMemory(long bytes);

    /** Lets no stream go on. */
    static native void hang(int yes);

    static native long pageableCopies();

    private static native long leaks();
}
