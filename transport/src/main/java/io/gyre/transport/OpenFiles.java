package io.gyre.transport;

import com.sun.management.UnixOperatingSystemMXBean;
import io.gyre.GyreException;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * How many files this process may still open. Sockets and pipes count, too; without them whatever comes first fails,
 * and most often that is a class that cannot be loaded.
 */
public final class OpenFiles {

    /** What raises the limit. */
    public static final String ADVICE = "raise the limit (ulimit -n 4096, and -Hn if that is refused; nofile in"
            + " /etc/security/limits.conf; --ulimit nofile=4096 of a container)";

    private OpenFiles() {}

    /**
     * Fails unless so many more can be opened. Does nothing where the system does not tell.
     *
     * @param who begins the message
     * @param more how many it needs
     * @throws GyreException with both figures, and what to do
     */
    public static void require(String who, int more) {
        if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system) {
            require(who, more, system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount());
        }
    }

    static void require(String who, int more, long open, long most) {
        if (open >= 0 && most - open < more) {
            throw new GyreException(String.format(
                    Locale.ROOT,
                    "%s has %d files open, may have %d, and is about to open %d more: %s",
                    who,
                    open,
                    most,
                    more,
                    ADVICE));
        }
    }
}
