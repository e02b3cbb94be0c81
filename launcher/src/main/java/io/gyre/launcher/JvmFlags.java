package io.gyre.launcher;

import java.util.List;

/** JVM flags that Gyre needs: one line that works for JDK 17 and all later ones. */
public final class JvmFlags {

    /** Opens the package that Agrona needs; the only flag without which there is no IPC and no UDP. */
    public static final String OPEN_UNSAFE = "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED";

    /**
     * The flags. The first makes a JVM ignore flags that it does not know; the last two stop JDK 24 and later from
     * warning about ND4J's native code.
     */
    public static final List<String> STANDARD = List.of(
            "-XX:+IgnoreUnrecognizedVMOptions",
            OPEN_UNSAFE,
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    private JvmFlags() {}

    /** Whether this JVM was started with the one required flag. */
    public static boolean opensUnsafe() {
        Module unnamed = JvmFlags.class.getModule();
        return Object.class.getModule().isExported("jdk.internal.misc", unnamed);
    }
}
