package io.gyre.benchmarks;

/**
 * Time of a payload on a link, including the headers of Gyre, Aeron, UDP, IP and Ethernet in each frame.
 *
 * @param bitsPerSecond rate of the link in each direction
 * @param framePayload payload of a full frame, in bytes
 */
record Wire(double bitsPerSecond, int framePayload) {

    /** Gyre's 64, Aeron's 32, UDP's 8, IP's 20, and of Ethernet the 14 that a shaped Linux link counts. */
    static final int HEADER_BYTES = 64 + 32 + 8 + 20 + 14;

    /** Bytes on the wire for a payload in full frames. */
    double bytes(double payload) {
        return payload * (framePayload + HEADER_BYTES) / framePayload;
    }

    /** Seconds on the wire for a payload in full frames. */
    double seconds(double payload) {
        return bytes(payload) * Byte.SIZE / bitsPerSecond;
    }
}
