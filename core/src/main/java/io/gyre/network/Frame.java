package io.gyre.network;

import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.ProtocolException;

/**
 * Header of one message between two ranks, as algorithms see it; the links add run, generation, source, sequence number
 * and checksum. Mutable and reused: valid only during the call that passes it.
 */
public final class Frame {

    private Kind kind = Kind.DATA;
    private long step;
    private int bucket;
    private int chunk;
    private long vectorBytes;
    private int length;

    /** The operation that a frame belongs to. The code is its value on the wire and never changes. */
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

        /** The kind with this wire value; any other fails with {@link ProtocolException}. */
        public static Kind of(byte code) {
            if (code < 1 || code > BY_CODE.length) {
                throw new ProtocolException("a frame of unknown kind " + code);
            }
            return BY_CODE[code - 1];
        }
    }

    /** Sets all fields. */
    public Frame set(Kind kind, long step, int bucket, int chunk, long vectorBytes, int length) {
        this.kind = kind;
        this.step = step;
        this.bucket = bucket;
        this.chunk = chunk;
        this.vectorBytes = vectorBytes;
        this.length = length;
        return this;
    }

    /** The operation it belongs to. */
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

    /** Chunk number in the bucket. */
    public int chunk() {
        return chunk;
    }

    /**
     * Length in bytes of the whole vector that the payload is a part of; 0 if there is no vector. Without it, ranks
     * whose vectors differ in length would find out late or never, because their first chunks may well be equal.
     */
    public long vectorBytes() {
        return vectorBytes;
    }

    /** Payload length in bytes. */
    public int length() {
        return length;
    }

    /**
     * Fails unless this frame is the one that the algorithm expects next: ranks that run different operations must
     * stop, and not mix their data.
     *
     * @param atMost bytes of the chunk that have not arrived yet
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

    /**
     * Fails unless the payload is whole elements: ranks that reduce different types must stop.
     *
     * @param activity what this rank is doing, with the sender as its peer
     */
    public void expectWhole(ElementType type, Activity activity) {
        if (length % type.bytes() != 0) {
            throw new DisagreementException("in " + activity + " " + activity.peer() + " sent " + this
                    + ", which are not whole elements of " + type + ". All ranks must use the same element type.");
        }
    }

    @Override
    public String toString() {
        return kind + " of step " + step + ", bucket " + bucket + ", chunk " + chunk + " of a vector of " + vectorBytes
                + " bytes, with " + length + " bytes";
    }
}
