package io.gyre;

/**
 * Header of one message between two ranks, as algorithms see it; the links add run, generation, source, sequence number and
 * checksum on their own. Mutable and used again: valid only during the call that hands it over.
 */
public final class Frame {

    private Kind kind = Kind.DATA;
    private long step;
    private int bucket;
    private int chunk;
    private int length;

    /** What a frame is part of. The code is its value on the wire and never changes. */
    public enum Kind {
        DATA(1),
        REDUCE_SCATTER(2),
        ALL_GATHER(3),
        BROADCAST(4),
        BARRIER(5);

        private static final Kind[] BY_CODE = values();
        private final byte code;

        Kind(int code) {
            this.code = (byte) code;
        }

        /** Value on the wire. */
        public byte code() {
            return code;
        }

        /** The kind with this wire value; fails with {@link ProtocolException} for any other. */
        public static Kind of(byte code) {
            if (code < 1 || code > BY_CODE.length) {
                throw new ProtocolException("a frame of unknown kind " + code);
            }
            return BY_CODE[code - 1];
        }
    }

    /** Fills in all fields. */
    public Frame set(Kind kind, long step, int bucket, int chunk, int length) {
        this.kind = kind;
        this.step = step;
        this.bucket = bucket;
        this.chunk = chunk;
        this.length = length;
        return this;
    }

    /** What it is part of. */
    public Kind kind() {
        return kind;
    }

    /** Optimiser step. */
    public long step() {
        return step;
    }

    /** Bucket number. */
    public int bucket() {
        return bucket;
    }

    /** Chunk number inside the bucket. */
    public int chunk() {
        return chunk;
    }

    /** Payload in bytes. */
    public int length() {
        return length;
    }

    /**
     * Fails unless this frame is the one that the algorithm must get next: ranks that run different operations must stop, not
     * mix their numbers.
     */
    public void expect(Kind kind, long step, int bucket, int chunk, int atMost, Activity activity) {
        if (this.kind != kind || this.step != step || this.bucket != bucket || this.chunk != chunk || length > atMost) {
            throw new DisagreementException("in " + activity + " " + activity.peer() + " sent " + this
                    + ", but " + kind + " of step " + step + ", bucket " + bucket + ", chunk " + chunk
                    + " with at most " + atMost + " bytes was due. All ranks must call the same collectives in the same"
                    + " order with the same sizes.");
        }
    }

    @Override
    public String toString() {
        return kind + " of step " + step + ", bucket " + bucket + ", chunk " + chunk + " with " + length + " bytes";
    }
}
