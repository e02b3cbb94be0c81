package io.gyre.startup;

/**
 * A measured link between two ranks.
 *
 * @param from rank that measured
 * @param to its peer
 * @param kind in words, such as {@code sealed UDP}
 * @param delayNanos half of the shortest round trip
 * @param bytesPerSecond payload that went from one to the other; 0 in shared memory, where ranks copy as fast as their
 *     {@link HostSpeed} says
 * @param clock from the first rank to the second
 */
public record Link(int from, int to, String kind, long delayNanos, double bytesPerSecond, ClockDifference clock) {

    /** Whether the two ranks see the same memory. */
    boolean isMemory() {
        return bytesPerSecond == 0;
    }

    /** The link and its figures, for people. */
    @Override
    public String toString() {
        return "rank " + from + " to " + to + " (" + kind + ", " + Figures.time(delayNanos)
                + (isMemory() ? "" : ", " + Figures.rate(bytesPerSecond)) + ")";
    }
}
