package io.gyre.local;

/** Entry point of a program. */
public final class Gyre {

    private Gyre() {}

    /**
     * Ranks as threads of this JVM, for a first program, tests and notebooks. Needs no JVM flag.
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
