package io.gyre.startup;

/**
 * How far another process's clocks are ahead of this one's, as estimated from a message there and back.
 *
 * <p>The reply carries the other's time. It was taken at some moment between sending and receiving; the middle is wrong
 * by at most half the round trip. The estimate holds for the moment of the measurement: clocks of hosts drift apart by
 * up to some ten microseconds in a second.
 *
 * @param nanos what to add to this process's {@link System#nanoTime} to get the other's
 * @param wallNanos what to add to this process's time of day to get the other's
 * @param errorNanos bound of the error of both, in either direction
 * @see <a href="https://doi.org/10.1109/26.103043">Mills, Internet time synchronization: the network time protocol,
 *     IEEE Transactions on Communications 39(10), 1991</a>
 */
public record ClockDifference(long nanos, long wallNanos, long errorNanos) {

    /** Between processes under one kernel. */
    public static final ClockDifference NONE = new ClockDifference(0, 0, 0);

    /**
     * The estimate from one message and its reply.
     *
     * @param sentNanos {@link System#nanoTime} before sending
     * @param sentWallNanos time of day then, in nanoseconds since 1970
     * @param roundTripNanos until the reply was there
     * @param theirNanos the other's {@link System#nanoTime} in between
     * @param theirWallNanos the other's time of day in between
     */
    static ClockDifference of(
            long sentNanos, long sentWallNanos, long roundTripNanos, long theirNanos, long theirWallNanos) {
        long half = roundTripNanos / 2;
        return new ClockDifference(
                theirNanos - (sentNanos + half), theirWallNanos - (sentWallNanos + half), roundTripNanos - half);
    }

    /** From this process to a third one, if {@code next} is from the other to the third: errors add up. */
    ClockDifference plus(ClockDifference next) {
        return new ClockDifference(nanos + next.nanos, wallNanos + next.wallNanos, errorNanos + next.errorNanos);
    }

    /** From the other process to this one. */
    ClockDifference reversed() {
        return new ClockDifference(-nanos, -wallNanos, errorNanos);
    }
}
