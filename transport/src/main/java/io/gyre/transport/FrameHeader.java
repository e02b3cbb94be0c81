package io.gyre.transport;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.gyre.ProtocolException;
import io.gyre.network.Frame;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * The header of every payload. Little-endian:
 *
 * <pre>
 *  0  int   magic, GYRE
 *  4  byte  version
 *  5  byte  kind of frame
 *  6  short flags, 0
 *  8  long  run: high half of its name
 * 16  int   generation of the stream
 * 20  int   source rank
 * 24  long  step
 * 32  int   bucket
 * 36  int   chunk
 * 40  long  length of the whole vector in bytes
 * 48  int   length of the payload in bytes
 * 52        zeros, up to 64: one cache line, and payloads stay aligned to Aeron's frames
 * </pre>
 *
 * <p>Aeron's own header reserves 64 bits for its users. They hold the frame's stamp: the CRC32C of header and payload
 * (low half) and the sequence number of the frame in its stream, from 0 (its low 32 bits, high half).
 */
final class FrameHeader {

    static final int BYTES = 64;

    private static final int MAGIC = 0x47595245;
    private static final byte VERSION = 1;

    private static final int KIND_AT = 5;
    private static final int FLAGS_AT = 6;
    private static final int RUN_AT = 8;
    private static final int GENERATION_AT = 16;
    private static final int SOURCE_AT = 20;
    private static final int STEP_AT = 24;
    private static final int BUCKET_AT = 32;
    private static final int CHUNK_AT = 36;
    private static final int VECTOR_AT = 40;
    private static final int LENGTH_AT = 48;
    private static final int ZEROS_AT = 52;

    private FrameHeader() {}

    static void write(MutableDirectBuffer out, int at, Frame frame, long run, int generation, int source) {
        out.putInt(at, MAGIC, LITTLE_ENDIAN);
        out.putByte(at + 4, VERSION);
        out.putByte(at + KIND_AT, frame.kind().code());
        out.putShort(at + FLAGS_AT, (short) 0, LITTLE_ENDIAN);
        out.putLong(at + RUN_AT, run, LITTLE_ENDIAN);
        out.putInt(at + GENERATION_AT, generation, LITTLE_ENDIAN);
        out.putInt(at + SOURCE_AT, source, LITTLE_ENDIAN);
        out.putLong(at + STEP_AT, frame.step(), LITTLE_ENDIAN);
        out.putInt(at + BUCKET_AT, frame.bucket(), LITTLE_ENDIAN);
        out.putInt(at + CHUNK_AT, frame.chunk(), LITTLE_ENDIAN);
        out.putLong(at + VECTOR_AT, frame.vectorBytes(), LITTLE_ENDIAN);
        out.putInt(at + LENGTH_AT, frame.length(), LITTLE_ENDIAN);
        out.setMemory(at + ZEROS_AT, BYTES - ZEROS_AT, (byte) 0);
    }

    /**
     * Checks the fields that identify a frame before any other field is trusted.
     *
     * @param fragmentBytes bytes received, header included
     */
    static void checkShape(DirectBuffer in, int at, int fragmentBytes) {
        if (fragmentBytes < BYTES) {
            throw new ProtocolException("a frame of " + fragmentBytes + " bytes, shorter than its header of " + BYTES);
        }
        int magic = in.getInt(at, LITTLE_ENDIAN);
        if (magic != MAGIC) {
            throw new ProtocolException("a frame that begins with " + Integer.toHexString(magic) + " instead of "
                    + Integer.toHexString(MAGIC));
        }
        byte version = in.getByte(at + 4);
        if (version != VERSION) {
            throw new ProtocolException("a frame of version " + version + ", this is version " + VERSION);
        }
        int length = in.getInt(at + LENGTH_AT, LITTLE_ENDIAN);
        if (length != fragmentBytes - BYTES) {
            throw new ProtocolException(
                    "a frame that claims " + length + " bytes of payload and has " + (fragmentBytes - BYTES));
        }
    }

    /** Fails unless the frame is of this run and from this rank. */
    static void checkOrigin(DirectBuffer in, int at, long run, int source) {
        long foundRun = in.getLong(at + RUN_AT, LITTLE_ENDIAN);
        if (foundRun != run) {
            throw new ProtocolException(
                    "a frame of run " + Long.toHexString(foundRun) + ", this is run " + Long.toHexString(run));
        }
        int foundSource = in.getInt(at + SOURCE_AT, LITTLE_ENDIAN);
        if (foundSource != source) {
            throw new ProtocolException("a frame of rank " + foundSource + " on the stream of rank " + source);
        }
    }

    /** The generation in which the frame was sent. */
    static int generation(DirectBuffer in, int at) {
        return in.getInt(at + GENERATION_AT, LITTLE_ENDIAN);
    }

    /** Fails if a frame is of a generation that this rank does not know yet. */
    static void checkGeneration(int found, int current) {
        if (found != current) {
            throw new ProtocolException("a frame of generation " + found + ", this is generation " + current);
        }
    }

    /** Fills in {@code frame}. */
    static void read(DirectBuffer in, int at, Frame frame) {
        frame.set(
                Frame.Kind.of(in.getByte(at + KIND_AT)),
                in.getLong(at + STEP_AT, LITTLE_ENDIAN),
                in.getInt(at + BUCKET_AT, LITTLE_ENDIAN),
                in.getInt(at + CHUNK_AT, LITTLE_ENDIAN),
                in.getLong(at + VECTOR_AT, LITTLE_ENDIAN),
                in.getInt(at + LENGTH_AT, LITTLE_ENDIAN));
    }

    /** Packs a checksum and a sequence number into the 64 bits that Aeron reserves for its users. */
    static long stamp(int checksum, long sequence) {
        return sequence << 32 | (checksum & 0xffff_ffffL);
    }

    /** Fails unless header and payload arrived undamaged. */
    static void checkChecksum(long stamp, int checksum) {
        if ((int) stamp != checksum) {
            throw new ProtocolException("a frame with checksum " + Integer.toHexString(checksum) + " instead of "
                    + Integer.toHexString((int) stamp) + ": it was damaged on its way");
        }
    }

    /** Fails unless the frame has the expected sequence number. */
    static void checkSequence(long stamp, long sequence) {
        int found = (int) (stamp >>> 32);
        if (found != (int) sequence) {
            throw new ProtocolException("frame number " + Integer.toUnsignedString(found) + " where number "
                    + Integer.toUnsignedString((int) sequence) + " was due: frames were lost or repeated");
        }
    }
}
