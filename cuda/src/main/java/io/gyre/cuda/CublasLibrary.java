package io.gyre.cuda;

import io.gyre.device.DeviceException;
import io.gyre.device.DeviceException.Reason;
import java.nio.file.Path;
import jcuda.jcublas.JCublas2;
import org.jspecify.annotations.Nullable;

/**
 * cuBLAS through JCublas: loaded once, on demand. Either may be missing, so no class with JCublas in its signatures may
 * be loaded before {@link #load} has returned.
 */
final class CublasLibrary {

    private static @Nullable String unusable;
    private static boolean ready;

    private CublasLibrary() {}

    /**
     * Loads JCublas and, with it, cuBLAS.
     *
     * @throws DeviceException with the reason why there is none, the same each time
     */
    static synchronized void load() {
        if (!ready && unusable == null) {
            unusable = tryToLoad();
            ready = unusable == null;
        }
        if (unusable != null) {
            throw new DeviceException(Reason.ABSENT, unusable);
        }
    }

    private static @Nullable String tryToLoad() {
        try {
            new NativeLibraries(Path.of(System.getProperty("java.io.tmpdir"))).prepare("JCublas2");
            JCublas2.initialize();
            return null;
        } catch (DeviceException e) {
            return e.getMessage();
        } catch (LinkageError e) {
            return why(String.valueOf(e.getMessage()));
        }
    }

    /** Explains a message of the dynamic linker. */
    static String why(String message) {
        if (message.contains("jcuda/jcublas")) {
            return "JCublas is not on the class path: add org.jcuda:jcublas:" + NativeLibraries.VERSION
                    + " and its natives";
        }
        if (message.contains("version `libcublas.so.12' not found")) {
            return "the cuBLAS that was found is not CUDA 12's, for which JCublas " + NativeLibraries.VERSION
                    + " is made. Put the directory of CUDA 12's libcublas.so.12 first in LD_LIBRARY_PATH";
        }
        if (message.contains("libcublas.so.12: cannot open")) {
            return "there is no libcublas.so.12. Install CUDA 12's cuBLAS, or add its directory to LD_LIBRARY_PATH";
        }
        return "JCublas's library cannot be loaded: "
                + message.lines().findFirst().orElse("without a message") + ". Look at what it needs with ldd";
    }
}
