package io.gyre.transport;

import io.gyre.network.Time;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * The name of a host that may not exist yet, or may still lead to an earlier host: a headless Service of Kubernetes has
 * a pod's name only once the pod runs. It is looked up again at every call, at most once a second.
 *
 * <p>The JVM remembers answers, also that there is none, perhaps for ever ({@code networkaddress.cache.negative.ttl}),
 * by the text of the name. So each lookup spells the name in another mixture of capital and small letters, which
 * mean the same to the system's resolver (RFC 4343) and another name to that memory.
 */
final class LateName {

    private static final long AGAIN_NANOS = 1_000_000_000;

    /** Mixtures are numbered by bits. */
    private static final int MOST_LETTERS = 31;

    private final String name;
    private final HostNames names;
    private final Time time;
    private int lookups;
    private long last;
    private @Nullable InetAddress address;

    LateName(String name, HostNames names, Time time) {
        this.name = name;
        this.names = names;
        this.time = time;
    }

    /** Its address, as far as known now; fails if there is none, or none yet. */
    InetAddress address() throws IOException {
        long now = time.now();
        if (lookups == 0 || now - last >= AGAIN_NANOS) {
            last = now;
            address = null;
            try {
                address = names.find(spelling(name, lookups++));
            } catch (UnknownHostException e) {
                throw noHost(e);
            }
        }
        InetAddress found = address;
        if (found == null) {
            throw noHost(null);
        }
        return found;
    }

    /** What the last lookup found; null for nothing. */
    @Nullable InetAddress known() {
        return address;
    }

    private IOException noHost(@Nullable UnknownHostException cause) {
        return new IOException("no host is called '" + name + "'", cause);
    }

    /** The name with its letters in the other case where the number has a bit. An address stays as it is. */
    static String spelling(String name, int number) {
        if (name.indexOf(':') >= 0) {
            return name;
        }
        StringBuilder text = new StringBuilder(name);
        int letter = 0;
        for (int i = 0; i < text.length() && letter < MOST_LETTERS; i++) {
            char c = text.charAt(i);
            boolean small = c >= 'a' && c <= 'z';
            if (small || (c >= 'A' && c <= 'Z')) {
                if (((number >> letter++) & 1) == 1) {
                    text.setCharAt(i, (char) (c ^ 0x20));
                }
            }
        }
        return text.toString();
    }
}
