package io.gyre.cuda;

import java.nio.file.Path;
import java.util.List;

/**
 * cuBLAS without a GPU, in this JVM: {@code fake-cublas.cpp}, on the fake driver. JCublas finds it as
 * {@code libcublas.so.12}.
 */
final class FakeCublas {

    private static final Path SOURCES = Path.of("src/test/cpp");

    private static boolean loaded;

    private FakeCublas() {}

    /** Loads it into this JVM, on the fake driver. */
    static synchronized void load() {
        FakeDriver.load();
        if (!loaded) {
            System.load(compiled(12).toString());
            loaded = true;
        }
    }

    /**
     * The library, in a file called {@code libcublas.so.12}.
     *
     * @param version the version that it reports, and its symbol version
     */
    static Path compiled(int version) {
        Path versions = SOURCES.resolve("cublas-" + version + ".map");
        Path driver = FakeDriver.compiled();
        return FakeLibrary.compiled(
                "libcublas.so.12",
                List.of(SOURCES.resolve("fake-cublas.cpp")),
                List.of(versions),
                List.of("-Wl,-soname,libcublas.so." + version, "-Wl,--version-script=" + versions, driver.toString()));
    }

    /**
     * Configures it again.
     *
     * @param wrong 1 for wrong results
     * @param micros how long each call takes
     */
    static native void configure(int wrong, int micros);

    /** Number of handles created and not destroyed. */
    static native long handles();

    /** Number of calls. */
    static native long calls();
}
