package io.gyre.kernel;

import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Elements whose magnitude is at least a threshold, as plus or minus the threshold, and the others as zeros, with error
 * feedback. A sum is encoded as multiples of the threshold, up to 127. An element is sent in 4 bytes, or, if more than
 * a quarter of a piece is, every element in one.
 *
 * <p>Strom, <i>Scalable Distributed DNN Training Using Commodity GPU Cloud Computing</i>, Interspeech 2015, as in
 * Deeplearning4j's gradient sharing, with a threshold that stays as it is.
 */
public final class ThresholdCodec implements SparseCodec {

    /** The name on the command line. */
    public static final String NAME = "threshold";

    /** Elements of the longest piece: their index has 24 bits. */
    private static final int LARGEST = 1 << 24;

    /** A piece: its length, the number of its entries or one of these, and the entries or bytes. */
    private static final int DENSE = -1;

    private static final int NOT_FINITE = -2;
    private static final int FORM = Integer.BYTES;

    private static final int MOST = Byte.MAX_VALUE;
    private static final int BYTE = 0xff;
    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int INFINITY = 0x7f80_0000;
    private static final int CHUNK = 4096;
    private static final ByteBuffer ZEROS =
            ByteBuffer.allocateDirect(CHUNK * Float.BYTES).order(ByteOrder.nativeOrder());

    private final String name;
    private final float threshold;
    private final int thresholdBits;
    private final Residual residual = new Residual();
    private final int[] bits = new int[CHUNK];
    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);
    private int[] entries = new int[CHUNK];
    private int most = 1;

    /**
     * Creates the codec, with a residual of zero.
     *
     * @param threshold more than 0, compared with the sums of the gradients over a rank's examples
     */
    public ThresholdCodec(float threshold) {
        if (!(threshold >= Float.MIN_NORMAL && threshold <= Float.MAX_VALUE)) {
            throw new IllegalArgumentException(
                    "a threshold of " + threshold + ": give " + NAME + " a number above 0, such as " + NAME + ":0.001");
        }
        this.threshold = threshold;
        thresholdBits = Float.floatToRawIntBits(threshold);
        name = NAME + ":" + threshold;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Residual residual() {
        return residual;
    }

    @Override
    public void piece(long step, long element, boolean ofSum) {
        most = ofSum ? MOST : 1;
    }

    @Override
    public int encodedBytes(int elements) {
        return elements == 0 ? 0 : LENGTH_BYTES + entryLimit(elements) * Integer.BYTES;
    }

    @Override
    public int bytesOf(ByteBuffer encoded, int offset, int elements) {
        return encoded.getInt(offset);
    }

    /** Most entries that take no more room than a byte for each element. */
    private static int entryLimit(int elements) {
        return (elements + Integer.BYTES - 1) / Integer.BYTES;
    }

    @Override
    public void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        if (elements == 0) {
            return;
        }
        if (elements > LARGEST) {
            throw new IllegalArgumentException(
                    NAME + ": a piece of " + elements + " elements is longer than " + LARGEST);
        }
        int limit = entryLimit(elements);
        if (entries.length < limit) {
            entries = new int[limit];
        }
        int found = 0;
        for (int done = 0; done < elements; done += CHUNK) {
            int n = Math.min(CHUNK, elements - done);
            load(floats, offset + done * Float.BYTES, n);
            for (int i = 0; i < n; i++) {
                int magnitude = bits[i] & MAGNITUDE;
                if (magnitude >= thresholdBits) {
                    if (magnitude >= INFINITY) {
                        begin(into, intoOffset, 0, NOT_FINITE);
                        return;
                    }
                    if (found == limit) {
                        encodeAll(floats, offset, elements, into, intoOffset);
                        return;
                    }
                    entries[found++] = ((done + i) << Byte.SIZE) | (multiple(bits[i]) & BYTE);
                }
            }
        }
        begin(into, intoOffset, found * Integer.BYTES, found);
        int to = intoOffset + LENGTH_BYTES;
        views.of(into, to % Integer.BYTES).put(to / Integer.BYTES, entries, 0, found);
    }

    /** A byte for each element. */
    private void encodeAll(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        int limit = entryLimit(elements);
        Arrays.fill(entries, 0, limit, 0);
        for (int done = 0; done < elements; done += CHUNK) {
            int n = Math.min(CHUNK, elements - done);
            load(floats, offset + done * Float.BYTES, n);
            for (int i = 0; i < n; i++) {
                if ((bits[i] & MAGNITUDE) >= INFINITY) {
                    begin(into, intoOffset, 0, NOT_FINITE);
                    return;
                }
                int at = done + i;
                entries[at / Integer.BYTES] |= (multiple(bits[i]) & BYTE) << (at % Integer.BYTES * Byte.SIZE);
            }
        }
        begin(into, intoOffset, limit * Integer.BYTES, DENSE);
        int to = intoOffset + LENGTH_BYTES;
        views.of(into, to % Integer.BYTES).put(to / Integer.BYTES, entries, 0, limit);
    }

    private void load(ByteBuffer floats, int offset, int n) {
        views.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, bits, 0, n);
    }

    private int multiple(int floatBits) {
        float ratio = Float.intBitsToFloat(floatBits) / threshold;
        return Math.max(-most, Math.min(most, (int) ratio));
    }

    private static void begin(ByteBuffer into, int offset, int bytes, int form) {
        into.putInt(offset, LENGTH_BYTES + bytes);
        into.putInt(offset + FORM, form);
    }

    @Override
    public void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        for (int done = 0; done < elements; done += CHUNK) {
            into.put(intoOffset + done * Float.BYTES, ZEROS, 0, Math.min(CHUNK, elements - done) * Float.BYTES);
        }
        add(encoded, offset, elements, into, intoOffset);
    }

    @Override
    public void add(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        if (elements == 0) {
            return;
        }
        int form = encoded.getInt(offset + FORM);
        checkLength(encoded.getInt(offset) - LENGTH_BYTES, form, elements);
        int from = offset + LENGTH_BYTES;
        if (form == NOT_FINITE) {
            for (int i = 0; i < elements; i++) {
                into.putFloat(intoOffset + i * Float.BYTES, Float.NaN);
            }
        } else if (form == DENSE) {
            for (int i = 0; i < elements; i++) {
                int word = encoded.getInt(from + i / Integer.BYTES * Integer.BYTES);
                addTo(into, intoOffset + i * Float.BYTES, (byte) (word >> (i % Integer.BYTES * Byte.SIZE)));
            }
        } else {
            addEntries(encoded, from, form, elements, into, intoOffset);
        }
    }

    private void checkLength(int bytes, int form, int elements) {
        int words = form == NOT_FINITE ? 0 : form == DENSE ? entryLimit(elements) : form;
        if (words < 0 || words > entryLimit(elements)) {
            throw new ProtocolException(words + " entries in a piece of " + elements + " elements of " + name);
        }
        if (bytes != words * Integer.BYTES) {
            throw new ProtocolException(words + " words in " + bytes + " bytes of a piece of " + name);
        }
    }

    private void addEntries(ByteBuffer encoded, int from, int count, int elements, ByteBuffer into, int intoOffset) {
        for (int i = 0; i < count; i++) {
            int entry = encoded.getInt(from + i * Integer.BYTES);
            int index = entry >>> Byte.SIZE;
            if (index >= elements) {
                throw new ProtocolException("index " + index + " in a piece of " + elements + " elements of " + name);
            }
            addTo(into, intoOffset + index * Float.BYTES, (byte) entry);
        }
    }

    private void addTo(ByteBuffer into, int offset, int multiple) {
        into.putFloat(offset, into.getFloat(offset) + multiple * threshold);
    }

    @Override
    public String toString() {
        return name;
    }
}
