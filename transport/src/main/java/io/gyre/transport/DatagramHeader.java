package io.gyre.transport;

import java.nio.ByteBuffer;

/**
 * The clear beginning of a sealed datagram. Big-endian:
 *
 * <pre>
 *  0  long  sender: generation of the group key (24 bits), rank (20 bits), channel endpoint in its process (20 bits)
 *  8  long  number: edition of the key (8 bits), counter of the datagrams of that channel endpoint, from 1 (56 bits)
 * 16        what Aeron sends, encrypted
 *  n        tag of 16 bytes
 * </pre>
 *
 * <p>Generation, rank and edition choose the key; endpoint and number are the nonce. So the tag covers each bit of the
 * header without further authenticated data.
 */
final class DatagramHeader {

    static final int BYTES = 16;

    /** What sealing adds to a datagram: a multiple of 32, as lengths of Aeron's frames are. */
    static final int OVERHEAD = BYTES + DatagramCipher.TAG_BYTES;

    static final int GENERATIONS = 1 << 24;
    static final int RANKS = 1 << 20;
    static final int ENDPOINTS = 1 << 20;

    /** Of as many successive editions a datagram says which is its own. */
    static final int EDITIONS = 1 << 8;

    /** At ten million datagrams per second it lasts for 228 years. */
    static final long MOST_COUNTER = (1L << 56) - 1;

    private static final int GENERATION_SHIFT = 40;
    private static final int RANK_SHIFT = 20;
    private static final int NUMBER_AT = 8;
    private static final int EDITION_SHIFT = 56;

    private DatagramHeader() {}

    static void write(ByteBuffer out, int generation, int rank, int endpoint, long number) {
        out.putLong(0, (long) generation << GENERATION_SHIFT | (long) rank << RANK_SHIFT | endpoint);
        out.putLong(NUMBER_AT, number);
    }

    /**
     * Number of a datagram, which no other one of its channel endpoint has.
     *
     * @param edition of the key, of which the lowest 8 bits count
     */
    static long number(long edition, long counter) {
        if (counter > MOST_COUNTER) {
            throw new IllegalStateException("a channel endpoint has sent " + MOST_COUNTER + " datagrams");
        }
        return edition << EDITION_SHIFT | counter;
    }

    static int generation(ByteBuffer in) {
        return (int) (in.getLong(0) >>> GENERATION_SHIFT);
    }

    static int rank(ByteBuffer in) {
        return (int) (in.getLong(0) >>> RANK_SHIFT) & RANKS - 1;
    }

    static int endpoint(ByteBuffer in) {
        return (int) in.getLong(0) & ENDPOINTS - 1;
    }

    static long number(ByteBuffer in) {
        return in.getLong(NUMBER_AT);
    }

    static int edition(ByteBuffer in) {
        return (int) (in.getLong(NUMBER_AT) >>> EDITION_SHIFT);
    }

    static long counter(ByteBuffer in) {
        return in.getLong(NUMBER_AT) & MOST_COUNTER;
    }
}
