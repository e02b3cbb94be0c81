package io.gyre.transport;

import io.aeron.exceptions.AeronException;
import io.gyre.GyreException;
import io.gyre.Member;
import java.time.Duration;

/**
 * What both ends of a stream have in common: who is at the other end, and the opening.
 *
 * @param node whose driver or client is used
 * @param gate guards the stream's memory
 * @param own this rank
 * @param peer the other end
 * @param run first half of the run's name
 * @param generation of the membership
 */
record AeronLink(AeronNode node, Gate gate, int own, Member peer, long run, int generation) {

    /** A driver answers within milliseconds. A peer that is frozen for longer is found lost before. */
    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(20);

    /** When an opening that begins now has failed. */
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

    /** The error of an opening that a driver refused. */
    GyreException refused(String what, AeronException cause) {
        return new GyreException("rank " + own + ": " + what + " cannot be opened: " + cause.getMessage(), cause);
    }

    /** Session id of the stream from one rank to another: strangers, and streams of other runs, have other ids. */
    static int sessionId(long run, int generation, int lane, int from, int to) {
        long mixed = run ^ ((long) lane << 60) ^ ((long) generation << 40) ^ ((long) from << 20) ^ to;
        mixed = (mixed ^ (mixed >>> 32)) * 0x9e3779b97f4a7c15L;
        return (int) (mixed >>> 32);
    }
}
