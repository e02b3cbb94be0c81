package io.gyre.allreduce;

import io.gyre.kernel.Residual;
import io.gyre.kernel.ViewCache;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * Copies floats between regions and arrays, because the compiler vectorises loops over arrays only. Has some scratch
 * memory, and is used by one thread at a time.
 */
final class FloatCopies {

    /** Most elements of a residual that are copied at once. */
    static final int CHUNK = 4096;

    private final ViewCache<FloatBuffer> views = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ByteBuffer buffer =
            ByteBuffer.allocateDirect(CHUNK * Float.BYTES).order(ByteOrder.nativeOrder());
    private final FloatBuffer floats = buffer.asFloatBuffer();
    private final float[] chunk = new float[CHUNK];
    private final float[] kept = new float[CHUNK];

    /** Scratch memory of {@link #CHUNK} elements. */
    float[] chunk() {
        return chunk;
    }

    /** More of it. */
    float[] kept() {
        return kept;
    }

    /** Reads floats from a byte offset, which is a multiple of 4. */
    void read(Region from, long byteOffset, float[] into, int count) {
        for (int done = 0; done < count; ) {
            long at = byteOffset + (long) done * Float.BYTES;
            int n = from.contiguous(at, (long) (count - done) * Float.BYTES) / Float.BYTES;
            int inWindow = from.windowOffset(at);
            views.of(from.window(at), inWindow % Float.BYTES).get(inWindow / Float.BYTES, into, done, n);
            done += n;
        }
    }

    /** Writes floats; the reverse of {@link #read(Region, long, float[], int)}. */
    void write(float[] from, Region into, long byteOffset, int count) {
        for (int done = 0; done < count; ) {
            long at = byteOffset + (long) done * Float.BYTES;
            int n = into.contiguous(at, (long) (count - done) * Float.BYTES) / Float.BYTES;
            int inWindow = into.windowOffset(at);
            views.of(into.window(at), inWindow % Float.BYTES).put(inWindow / Float.BYTES, from, done, n);
            done += n;
        }
    }

    /** Reads at most {@link #CHUNK} elements of a residual. */
    void read(Residual from, long element, float[] into, int count) {
        from.read(element, count, buffer, 0);
        floats.get(0, into, 0, count);
    }

    /** Writes at most {@link #CHUNK} elements of a residual. */
    void write(float[] from, Residual into, long element, int count) {
        floats.put(0, from, 0, count);
        into.write(element, count, buffer, 0);
    }
}
