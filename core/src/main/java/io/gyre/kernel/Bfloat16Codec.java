package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;

/**
 * bfloat16, the upper half of a float, rounded to nearest even: 8 significant bits, and the range of FLOAT32.
 *
 * <p>Kalamkar et al., <i>A Study of BFLOAT16 for Deep Learning Training</i>, 2019. As there, no error feedback: what
 * rounding loses in one step is not added in the next.
 */
public final class Bfloat16Codec extends SixteenBitCodec {

    /** The name on the command line. */
    public static final String NAME = "bf16";

    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int INFINITY = 0x7f80_0000;
    private static final int HALF_UNIT = 0x7fff;
    private static final int QUIET = 0x0040_0000;

    private static final int HIGH_HALF = 0xffff_0000;

    private final int[] low = new int[WORDS];
    private final int[] high = new int[WORDS];
    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);

    @Override
    public String name() {
        return NAME;
    }

    @Override
    void round(ByteBuffer floats, int offset, int n, int elements) {
        IntBuffer bits = views.of(floats, offset % Integer.BYTES);
        int at = offset / Integer.BYTES;
        bits.get(at, low, 0, n);
        bits.get(at + n, high, 0, elements - n);
        for (int i = 0; i < n; i++) {
            words[i] = (rounded(low[i]) >>> Short.SIZE) | (rounded(high[i]) & HIGH_HALF);
        }
    }

    /** A NaN whose payload is in the lower half would become infinity: it is made quiet instead. */
    private static int rounded(int x) {
        int number = ((x & MAGNITUDE) - INFINITY - 1) >> 31;
        return (x + ((HALF_UNIT + ((x >>> Short.SIZE) & 1)) & number)) | (QUIET & ~number);
    }

    @Override
    void widen(int n, int elements, ByteBuffer floats, int offset) {
        for (int i = 0; i < n; i++) {
            low[i] = words[i] << Short.SIZE;
            high[i] = words[i] & HIGH_HALF;
        }
        IntBuffer bits = views.of(floats, offset % Integer.BYTES);
        int at = offset / Integer.BYTES;
        bits.put(at, low, 0, n);
        bits.put(at + n, high, 0, elements - n);
    }
}
