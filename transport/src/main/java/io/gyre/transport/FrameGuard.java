package io.gyre.transport;

import io.gyre.ProtocolException;
import io.gyre.network.Frame;
import org.agrona.DirectBuffer;

/**
 * Decides whether what came on a stream is the frame that was due. Aeron alone does not: it delivers what a stranger
 * sends over UDP, and after an interruption it may leave out messages that it had accepted.
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
     * @param run first half of the run's name
     * @param generation of the membership
     * @param source rank at its other end
     */
    FrameGuard(long run, int generation, int source) {
        this.run = run;
        this.generation = generation;
        this.source = source;
    }

    /**
     * Checks a frame, damage first, and reads its header.
     *
     * @param length bytes that came, header included
     * @param seal what stood in Aeron's reserved field
     * @param checksum CRC32C of the bytes that came
     * @param frame filled in
     * @return false if the frame is of an earlier generation, and to be dropped
     * @throws ProtocolException saying what was found, if it is not the one that was due
     */
    boolean admit(DirectBuffer in, int at, int length, long seal, int checksum, Frame frame) {
        FrameHeader.checkShape(in, at, length);
        FrameHeader.checkChecksum(seal, checksum);
        FrameHeader.checkOrigin(in, at, run, source);
        int found = FrameHeader.generation(in, at);
        if (found < generation) {
            outdated++;
            return false;
        }
        FrameHeader.checkGeneration(found, generation);
        FrameHeader.checkSequence(seal, sequence);
        sequence++;
        FrameHeader.read(in, at, frame);
        return true;
    }

    /** Frames that were admitted. */
    long admitted() {
        return sequence;
    }

    /** Frames of earlier generations that were dropped. */
    long outdated() {
        return outdated;
    }
}
