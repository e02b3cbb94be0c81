package io.gyre.transport;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The user that runs this process, as files record it. */
final class ThisUser {

    private static final Path LINUX = Path.of("/proc/self");

    private ThisUser() {}

    /** Number of the user. Where the kernel does not tell, that of a file which this process creates and removes. */
    static int id() throws IOException {
        if (Files.isDirectory(LINUX)) {
            return (Integer) Files.getAttribute(LINUX, "unix:uid");
        }
        Path probe = Files.createTempFile("gyre", ".owner");
        try {
            return (Integer) Files.getAttribute(probe, "unix:uid");
        } finally {
            Files.deleteIfExists(probe);
        }
    }
}
