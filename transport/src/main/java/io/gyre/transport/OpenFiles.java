package io.gyre.transport;

import com.sun.management.UnixOperatingSystemMXBean;
import io.gyre.GyreException;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * How many files this process may still open. Sockets and pipes count too. Without them the next operation fails, and
 * most often that is the loading of a class.
 */
public final class OpenFiles {

    /** How to raise the limit. */
    public static final String ADVICE = "raise the limit (ulimit -n 4096, and -Hn if that is refused; nofile in"
            + " /etc/security/limits.conf; --ulimit nofile=4096 of a container)";

    private OpenFiles() {}

    /**
     * Fails unless this many more files can be opened. Does nothing where the system does not report the limit.
     *
     * @param who start of the message
     * @param more number of files needed
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
