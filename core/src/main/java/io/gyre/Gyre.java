package io.gyre;

import java.time.Duration;

/** Where a program starts. */
public final class Gyre {

    /** How long a rank waits for a silent peer unless told otherwise: longer than any step, shorter than a coffee. */
    public static final Duration DEFAULT_PEER_TIMEOUT = Duration.ofMinutes(2);

    private Gyre() {}

    /**
     * Ranks as threads of this JVM: for a first program, tests and notebooks. Needs no JVM flag.
     *
     * <pre>{@code
     * Gyre.local(4).run(session -> train(session));
     * }</pre>
     *
     * @param ranks at least 1
     */
    public static LocalCluster local(int ranks) {
        return LocalCluster.over(LocalCluster.Network.inProcess(), ranks);
    }
}
