package io.gyre.network;

import io.gyre.Member;
import org.jspecify.annotations.Nullable;

/**
 * What a rank is doing while it waits: filled in by the algorithm, and used in errors and warnings about the wait. One
 * instance per algorithm and rank, reused for every operation, so that nothing is allocated.
 */
public final class Activity {

    private static final long NO_STEP = -1;

    private String operation = "nothing";
    private long step;
    private int bucket;
    private int hop;
    private int hops;
    private @Nullable Member peer;
    private @Nullable String subject;

    /** Whether the present wait has been timed; then since when, and whether it has been logged. */
    private boolean timed;

    private long sinceNanos;
    private boolean warned;

    /**
     * Begins an operation.
     *
     * @param operation name used in errors, a constant such as {@code "all-reduce (ring)"}
     * @param step optimiser step it belongs to
     * @param bucket bucket it works on; negative for none, which errors then omit
     * @param hops number of hops that it takes; 0 if it has none
     */
    public void begin(String operation, long step, int bucket, int hops) {
        this.operation = operation;
        this.step = step;
        this.bucket = bucket;
        this.hops = hops;
        hop = 0;
        peer = null;
        progressed();
    }

    /** Begins a wait that belongs to no operation of a step, or whose words have the step in them. */
    public void beginWaitFor(String what, Member awaited) {
        begin(what, NO_STEP, -1, 0);
        peer = awaited;
    }

    /** Sets what the operation works on, in words: instead of a bucket. A constant; stays for later operations. */
    void about(String what) {
        subject = what;
    }

    /** Sets the rank from which the next data must come, in hop {@code hop} (from 1). */
    public void waitingFor(Member peer, int hop) {
        this.peer = peer;
        this.hop = hop;
    }

    /** Sets the peer to which data must still be sent: nothing is awaited from the previous one any more. */
    public void handingOverTo(Member peer) {
        this.peer = peer;
    }

    /** Restarts the timeout of the wait. Reads no clock: the next wait is timed from its first check. */
    public void progressed() {
        timed = false;
        warned = false;
    }

    /**
     * Time without progress, since the first call after it, which returns 0.
     *
     * @param now time of the clock that times the wait
     */
    public long silentNanos(long now) {
        if (!timed) {
            timed = true;
            sinceNanos = now;
        }
        return now - sinceNanos;
    }

    /** True once per wait, so that a slow peer is logged once. */
    boolean shouldWarn() {
        boolean first = !warned;
        warned = true;
        return first;
    }

    /** The awaited peer; null if no particular one. */
    public @Nullable Member peer() {
        return peer;
    }

    /** Name of the operation, a constant. */
    public String operation() {
        return operation;
    }

    /** Optimiser step; negative for none. */
    public long step() {
        return step;
    }

    /** Bucket number; negative for none. */
    public int bucket() {
        return bucket;
    }

    /** Description: {@code all-reduce (ring) of bucket 3, step 17, hop 2 of 6}. */
    @Override
    public String toString() {
        if (step < 0) {
            return operation;
        }
        String what = subject == null ? bucket < 0 ? "" : "bucket " + bucket : subject;
        String where = operation + (what.isEmpty() ? " of step " : " of " + what + ", step ") + step;
        return hops == 0 ? where : where + ", hop " + hop + " of " + hops;
    }
}
