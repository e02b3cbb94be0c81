package io.gyre.allreduce;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Residual;
import java.nio.ByteBuffer;

/** A codec of a user with a residual and a variable length: floats as they are, and after a zero none. */
final class PlainFeedbackCodec implements GradientCodec {

    private final Residual residual = new Residual();

    @Override
    public String name() {
        return "plain with feedback";
    }

    @Override
    public Residual residual() {
        return residual;
    }

    @Override
    public int encodedBytes(int elements) {
        return elements == 0 ? 0 : LENGTH_BYTES + elements * Float.BYTES;
    }

    @Override
    public int bytesOf(ByteBuffer encoded, int offset, int elements) {
        return encoded.getInt(offset);
    }

    @Override
    public void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        if (elements == 0) {
            return;
        }
        int sent = elements;
        while (sent > 0 && floats.getInt(offset + (sent - 1) * Float.BYTES) == 0) {
            sent--;
        }
        into.putInt(intoOffset, LENGTH_BYTES + sent * Float.BYTES);
        into.put(intoOffset + LENGTH_BYTES, floats, offset, sent * Float.BYTES);
    }

    @Override
    public void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        int sent = elements == 0 ? 0 : (bytesOf(encoded, offset, elements) - LENGTH_BYTES) / Float.BYTES;
        into.put(intoOffset, encoded, offset + LENGTH_BYTES, sent * Float.BYTES);
        for (int i = sent; i < elements; i++) {
            into.putFloat(intoOffset + i * Float.BYTES, 0);
        }
    }
}
