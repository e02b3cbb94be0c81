package io.gyre.session;

import java.util.Comparator;

/**
 * How far a process has come in its program, which is that of all processes of a run: the newest state is that of the
 * furthest.
 *
 * @param calls number of calls completed that all processes make together; {@link #NOTHING} has -1
 * @param step number of steps in the state that it holds
 */
public record Reached(int calls, long step) implements Comparable<Reached> {

    /** Of a process that holds no state of the run. */
    public static final Reached NOTHING = new Reached(-1, -1);

    private static final Comparator<Reached> ORDER =
            Comparator.comparingInt(Reached::calls).thenComparingLong(Reached::step);

    /** Whether this is the place of a process that holds no state. */
    public boolean isNothing() {
        return calls < 0;
    }

    @Override
    public int compareTo(Reached other) {
        return ORDER.compare(this, other);
    }
}
