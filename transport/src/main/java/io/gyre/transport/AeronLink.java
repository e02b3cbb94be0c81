package io.gyre.transport;

import io.aeron.exceptions.AeronException;
import io.gyre.GyreException;
import io.gyre.Member;
import java.time.Duration;

/**
 * What both ends of a stream share: the peer, and how it opens.
 *
 * @param node its driver or client is used
 * @param gate guards the stream's memory
 * @param own this rank
 * @param peer the other end
 * @param run high half of the run's name
 * @param generation of the stream
 */
record AeronLink(AeronNode node, Gate gate, int own, Member peer, long run, int generation) {

    /** A driver answers within milliseconds. A peer that is frozen for longer is declared lost before. */
    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(20);

    /** Deadline of an opening that starts now. */
    static long openDeadline() {
        return System.nanoTime() + OPEN_TIMEOUT.toNanos();
    }

    /** Fails if an opening has taken too long. */
    void checkDeadline(long deadline, String what) {
        if (System.nanoTime() - deadline >= 0) {
            throw new GyreException("rank " + own + ": " + what + " did not open within " + OPEN_TIMEOUT.toSeconds()
                    + " s: a media driver does not answer");
        }
    }

    /** The error for an opening that the driver refused. */
    GyreException refused(String what, AeronException cause) {
        return new GyreException("rank " + own + ": " + what + " cannot be opened: " + cause.getMessage(), cause);
    }

    /** Session id of the stream between two ranks: streams of strangers and of other runs have other ids. */
    static int sessionId(long run, int generation, int lane, int from, int to) {
        long mixed = run ^ ((long) lane << 60) ^ ((long) generation << 40) ^ ((long) from << 20) ^ to;
        mixed = (mixed ^ (mixed >>> 32)) * 0x9e3779b97f4a7c15L;
        return (int) (mixed >>> 32);
    }
}
