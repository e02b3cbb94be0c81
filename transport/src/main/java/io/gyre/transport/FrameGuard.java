package io.gyre.transport;

import io.gyre.ProtocolException;
import io.gyre.network.Frame;
import org.agrona.DirectBuffer;

/**
 * Decides whether the data received on a stream are the expected frame. Aeron alone does not: it delivers what a
 * stranger sends over UDP, and after an interruption it may omit messages that it had accepted.
 */
final class FrameGuard {

    private final long run;
    private final int generation;
    private final int source;
    private long sequence;
    private long outdated;

    /**
     * Guards one stream.
     *
     * @param run high half of the run's name
     * @param generation of the stream
     * @param source the sending rank
     */
    FrameGuard(long run, int generation, int source) {
        this.run = run;
        this.generation = generation;
        this.source = source;
    }

    /**
     * Checks a frame, first for damage, and reads its header.
     *
     * @param length bytes received, header included
     * @param stamp value of Aeron's reserved field
     * @param checksum CRC32C of the bytes received
     * @param frame filled in
     * @return false if the frame is of an earlier generation, and must be dropped
     * @throws ProtocolException saying what was found, if it is not the expected frame
     */
    boolean admit(DirectBuffer in, int at, int length, long stamp, int checksum, Frame frame) {
        FrameHeader.checkShape(in, at, length);
        FrameHeader.checkChecksum(stamp, checksum);
        FrameHeader.checkOrigin(in, at, run, source);
        int found = FrameHeader.generation(in, at);
        if (found < generation) {
            outdated++;
            return false;
        }
        FrameHeader.checkGeneration(found, generation);
        FrameHeader.checkSequence(stamp, sequence);
        sequence++;
        FrameHeader.read(in, at, frame);
        return true;
    }

    /** Number of frames admitted. */
    long admitted() {
        return sequence;
    }

    /** Number of frames dropped as being of earlier generations. */
    long outdated() {
        return outdated;
    }
}
