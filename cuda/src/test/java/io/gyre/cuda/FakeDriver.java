package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;

/**
 * A CUDA driver without a GPU, in this JVM: {@code fake-driver.cpp}, compiled by {@code g++}. Loaded before JCuda's
 * library, which then finds it as {@code libcuda.so.1}.
 */
public final class FakeDriver {

    private static final Path SOURCES = Path.of("src/test/cpp");

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
    public static void load(int devices, boolean peers, int delayMicros) {
        load();
        configure(devices, peers ? 1 : 0, delayMicros, 86);
    }

    /** The library, compiled once for each version of the sources. */
    static Path compiled() {
        return FakeLibrary.compiled("libcuda.so.1", SOURCES.resolve("fake-driver.cpp"));
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

    static native void configure(int devices, int peers, int delayMicros, int capability);

    /** Makes a piece of work fail, as a kernel of another library would: 1 for the next copy or clearing. */
    static native void failWork(int inSoMany);

    /** Makes all devices disappear. */
    static native void loseDevice(int inSoManyCalls);

    static native void limitMemory(long bytes);

    /** Stops all streams. */
    static native void hang(int yes);

    static native long pageableCopies();

    private static native long leaks();
}
