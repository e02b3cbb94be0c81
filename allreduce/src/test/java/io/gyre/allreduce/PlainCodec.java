package io.gyre.allreduce;

import io.gyre.kernel.GradientCodec;
import java.nio.ByteBuffer;

/** A codec of a user: floats as they are. With it, compressed sums are exact. */
final class PlainCodec implements GradientCodec {

    @Override
    public String name() {
        return "plain";
    }

    @Override
    public int encodedBytes(int elements) {
        return elements * Float.BYTES;
    }

    @Override
    public void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        into.put(intoOffset, floats, offset, elements * Float.BYTES);
    }

    @Override
    public void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        into.put(intoOffset, encoded, offset, elements * Float.BYTES);
    }
}
