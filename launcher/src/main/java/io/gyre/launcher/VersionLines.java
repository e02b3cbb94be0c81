package io.gyre.launcher;

import io.gyre.transport.AeronSession;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** What {@code gyre --version} prints: the versions of Gyre and of what it runs on, from the class path. */
public final class VersionLines implements IVersionProvider {

    private static final String UNKNOWN = "unknown";

    @Override
    public String[] getVersion() {
        return lines().toArray(String[]::new);
    }

    /** The same lines, for what a run leaves behind. */
    public static List<String> lines() {
        return List.of(
                "Gyre " + own(),
                "Java " + Runtime.version() + " (" + System.getProperty("java.vendor") + ", "
                        + System.getProperty("java.home") + ")",
                "Deeplearning4j " + ofMaven("org.deeplearning4j", "deeplearning4j-nn"),
                AeronSession.aeronVersion(),
                "system " + System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                        + System.getProperty("os.arch"));
    }

    /** Version of the jar; classes in a directory have none. */
    private static String own() {
        String version = VersionLines.class.getPackage().getImplementationVersion();
        // A build outside a git checkout leaves Maven's property for the commit unresolved.
        return version == null ? UNKNOWN : version.replaceAll("\\$\\{.*}", UNKNOWN);
    }

    private static String ofMaven(String group, String artifact) {
        String name = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
        try (InputStream in = VersionLines.class.getResourceAsStream(name)) {
            if (in == null) {
                return UNKNOWN + " (not on the class path)";
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version", UNKNOWN);
        } catch (IOException e) {
            throw new UncheckedIOException(name + " cannot be read: " + e.getMessage(), e);
        }
    }
}
