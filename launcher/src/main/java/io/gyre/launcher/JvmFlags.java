package io.gyre.launcher;

import java.util.List;

/** What a JVM must be told to run Gyre: one line that fits JDK 17 and all later ones. */
public final class JvmFlags {

    /** The package that Agrona needs opened; the only flag without which there is no IPC and no UDP. */
    public static final String OPEN_UNSAFE = "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED";

    /**
     * The line. The first flag makes a JVM ignore those it does not know, the last two keep JDK 24 and later from
     * warning about ND4J's native code.
     */
    public static final List<String> STANDARD = List.of(
            "-XX:+IgnoreUnrecognizedVMOptions",
            OPEN_UNSAFE,
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    private JvmFlags() {}

    /** Whether this JVM was started with the one flag that cannot be done without. */
    public static boolean opensUnsafe() {
        Module unnamed = JvmFlags.class.getModule();
        return Object.class.getModule().isExported("jdk.internal.misc", unnamed);
    }
}
