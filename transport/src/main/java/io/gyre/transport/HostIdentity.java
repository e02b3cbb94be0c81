package io.gyre.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What two processes must have in common to share memory. */
final class HostIdentity {

    private static final Logger LOG = LoggerFactory.getLogger(HostIdentity.class);
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private HostIdentity() {}

    /** Name of this host, for people. */
    static String name() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            LOG.debug("this host does not know its name", e);
            return "localhost";
        }
    }

    /**
     * The running kernel, the user, and the mount of the shared memory: containers on one kernel may each have their
     * own mount. Where these are unknown (not Linux), the host's name and the user.
     *
     * @param sharedMemory directory that would be shared
     */
    static String of(Path sharedMemory) {
        try {
            return ProcFile.read(BOOT_ID) + "/" + Files.getAttribute(Path.of("/proc/self"), "unix:uid") + "/"
                    + Files.getAttribute(sharedMemory, "unix:dev");
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            LOG.debug("no Linux", e);
            return name() + "/" + System.getProperty("user.name") + "/" + sharedMemory;
        }
    }
}
