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

    private final int[] bits = new int[WORDS];
    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);

    @Override
    public String name() {
        return NAME;
    }

    /** A NaN whose payload is in the lower half would become infinity: it is made quiet instead. */
    @Override
    void round(ByteBuffer floats, int offset, int n, int[] into) {
        views.of(floats, offset % Integer.BYTES).get(offset / Integer.BYTES, bits, 0, n);
        for (int i = 0; i < n; i++) {
            int x = bits[i];
            int nan = (INFINITY - (x & MAGNITUDE)) >> 31;
            int rounded = x + HALF_UNIT + ((x >>> 16) & 1);
            into[i] = ((rounded & ~nan) | ((x | QUIET) & nan)) >>> 16;
        }
    }

    @Override
    void widen(int[] values, int n, ByteBuffer floats, int offset) {
        for (int i = 0; i < n; i++) {
            values[i] <<= 16;
        }
        views.of(floats, offset % Integer.BYTES).put(offset / Integer.BYTES, values, 0, n);
    }
}
