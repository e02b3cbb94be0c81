package io.gyre.network;

import io.gyre.DisagreementException;
import io.gyre.ProtocolException;

/**
 * Header of one message between two ranks, as algorithms see it; the links add run, generation, source, sequence number
 * and checksum on their own. Mutable and used again: valid only during the call that hands it over.
 */
public final class Frame {

    private Kind kind = Kind.DATA;
    private long step;
    private int bucket;
    private int chunk;
    private long vectorBytes;
    private int length;

    /** What a frame is part of. The code is its value on the wire and never changes. */
    public enum Kind {
        DATA(1),
        REDUCE_SCATTER(2),
        ALL_GATHER(3),
        BROADCAST(4),
        BARRIER(5),
        ALL_REDUCE(6),
        REQUEST(7),
        RESPONSE(8);

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
    public Frame set(Kind kind, long step, int bucket, int chunk, long vectorBytes, int length) {
        this.kind = kind;
        this.step = step;
        this.bucket = bucket;
        this.chunk = chunk;
        this.vectorBytes = vectorBytes;
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

    /**
     * Length of the whole vector that the payload is a part of, in bytes: ranks whose vectors differ in length would
     * otherwise find out late, or not at all, because their first chunks may well be equal. 0 if there is no vector.
     */
    public long vectorBytes() {
        return vectorBytes;
    }

    /** Payload in bytes. */
    public int length() {
        return length;
    }

    /**
     * Fails unless this frame is the one that the algorithm must get next: ranks that run different operations must
     * stop, not mix their numbers.
     *
     * @param atMost how many bytes of the chunk have not come yet
     * @param activity what this rank is doing, with the sender as its peer
     */
    public void expect(Kind kind, long step, int bucket, int chunk, long vectorBytes, long atMost, Activity activity) {
        if (this.kind != kind
                || this.step != step
                || this.bucket != bucket
                || this.chunk != chunk
                || this.vectorBytes != vectorBytes
                || length > atMost) {
            throw new DisagreementException("in " + activity + " " + activity.peer() + " sent " + this + ", but " + kind
                    + " of step " + step + ", bucket " + bucket + ", chunk " + chunk + " of a vector of " + vectorBytes
                    + " bytes was due, with at most " + atMost + " bytes. All ranks must call the same collectives in"
                    + " the same order with the same sizes.");
        }
    }

    @Override
    public String toString() {
        return kind + " of step " + step + ", bucket " + bucket + ", chunk " + chunk + " of a vector of " + vectorBytes
                + " bytes, with " + length + " bytes";
    }
}
