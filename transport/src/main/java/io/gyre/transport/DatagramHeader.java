package io.gyre.transport;

import java.nio.ByteBuffer;

/**
 * The clear beginning of a sealed datagram. Big-endian:
 *
 * <pre>
 *  0  long  sender: generation of the group key (24 bits), rank (20 bits), channel endpoint in its process (20 bits)
 *  8  long  counter of the datagrams of that channel endpoint, from 1
 * 16        what Aeron sends, encrypted
 *  n        tag of 16 bytes
 * </pre>
 *
 * <p>Generation and rank choose the key; endpoint and counter are the nonce. So the tag covers each bit of the header
 * without further authenticated data.
 */
final class DatagramHeader {

    static final int BYTES = 16;

    /** What sealing adds to a datagram: a multiple of 32, as lengths of Aeron's frames are. */
    static final int OVERHEAD = BYTES + DatagramCipher.TAG_BYTES;

    static final int GENERATIONS = 1 << 24;
    static final int RANKS = 1 << 20;
    static final int ENDPOINTS = 1 << 20;

    private static final int GENERATION_SHIFT = 40;
    private static final int RANK_SHIFT = 20;
    private static final int COUNTER_AT = 8;

    private DatagramHeader() {}

    static void write(ByteBuffer out, int generation, int rank, int endpoint, long counter) {
        out.putLong(0, (long) generation << GENERATION_SHIFT | (long) rank << RANK_SHIFT | endpoint);
        out.putLong(COUNTER_AT, counter);
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

    static long counter(ByteBuffer in) {
        return in.getLong(COUNTER_AT);
    }
}
