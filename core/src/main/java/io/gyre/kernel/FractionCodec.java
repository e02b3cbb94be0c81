package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Sends a fraction of the elements of each block, and the others as zeros, with error feedback. */
abstract class FractionCodec extends BlockCodec implements SparseCodec {

    private static final ByteBuffer ZEROS =
            ByteBuffer.allocateDirect(LARGEST * Float.BYTES).order(ByteOrder.nativeOrder());

    private final String name;
    private final double fraction;
    private final Residual residual = new Residual();

    FractionCodec(String name, double fraction) {
        super(LARGEST);
        if (!(fraction > 0 && fraction <= 1)) {
            throw new IllegalArgumentException("a fraction of " + fraction + ": give " + name
                    + " more than 0 and at most 1, such as " + name + ":0.01");
        }
        this.name = name + ":" + fraction;
        this.fraction = fraction;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Residual residual() {
        return residual;
    }

    /** How many of so many elements are sent, 1 or more. */
    final int kept(int n) {
        return (int) Math.max(1, Math.round(n * fraction));
    }

    /** Adds the elements of a block; as {@link #decodeBlock} otherwise. */
    abstract void addBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset);

    @Override
    final void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        into.put(intoOffset, ZEROS, 0, n * Float.BYTES);
        addBlock(encoded, offset, first, n, into, intoOffset);
    }

    @Override
    public final void add(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        int from = offset;
        for (int first = 0; first < elements; first += block) {
            int n = Math.min(block, elements - first);
            addBlock(encoded, from, first, n, into, intoOffset + first * Float.BYTES);
            from += blockBytes(n);
        }
    }
}
