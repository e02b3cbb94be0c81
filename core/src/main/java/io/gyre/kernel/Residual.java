package io.gyre.kernel;

import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * What a codec lost of one rank's gradients, by position in the gradient vector, in FLOAT32: the memory of error
 * feedback. Zero at first.
 *
 * <dl>
 *   <dt>Memory
 *   <dd>Blocks of 256 KiB, each allocated when something is written to it. A rank that sends only a part of the vector,
 *       since the ranks of its host send the others, keeps no more than that part.
 *   <dt>Ownership
 *   <dd>Belongs to one codec, of one rank, for one vector.
 *   <dt>Threading
 *   <dd>One thread at a time.
 * </dl>
 */
public final class Residual {

    /** Elements of a block. */
    public static final int BLOCK = 1 << 16;

    private static final ByteBuffer ZEROS =
            ByteBuffer.allocateDirect(BLOCK * Float.BYTES).asReadOnlyBuffer();

    private @Nullable Region[] blocks = new Region[0];

    /**
     * Reads a part.
     *
     * @param element the first, by its position in the vector
     * @param into receives floats
     * @param offset in bytes
     */
    public void read(long element, int elements, ByteBuffer into, int offset) {
        for (int done = 0; done < elements; ) {
            int n = contiguous(element + done, elements - done);
            int to = offset + done * Float.BYTES;
            Region block = existing(blockOf(element + done));
            if (block == null) {
                into.put(to, ZEROS, 0, n * Float.BYTES);
            } else {
                block.copyTo(inBlock(element + done), into, to, n * Float.BYTES);
            }
            done += n;
        }
    }

    /** Writes a part; the reverse of {@link #read}. */
    public void write(long element, int elements, ByteBuffer from, int offset) {
        for (int done = 0; done < elements; ) {
            int n = contiguous(element + done, elements - done);
            block(blockOf(element + done))
                    .copyFrom(inBlock(element + done), from, offset + done * Float.BYTES, n * Float.BYTES);
            done += n;
        }
    }

    private static int blockOf(long element) {
        return Math.toIntExact(element / BLOCK);
    }

    private static long inBlock(long element) {
        return element % BLOCK * Float.BYTES;
    }

    private static int contiguous(long element, int wanted) {
        return (int) Math.min(wanted, BLOCK - element % BLOCK);
    }

    private @Nullable Region existing(int index) {
        return index < blocks.length ? blocks[index] : null;
    }

    /** Numbers of the blocks that exist; all others are zero. */
    public BitSet blocks() {
        BitSet existing = new BitSet();
        for (int i = 0; i < blocks.length; i++) {
            existing.set(i, blocks[i] != null);
        }
        return existing;
    }

    /** Memory of a block, to save or restore it; allocated if it does not exist. */
    public Region block(int index) {
        if (index >= blocks.length) {
            blocks = Arrays.copyOf(blocks, index + 1);
        }
        Region block = blocks[index];
        if (block == null) {
            block = Region.allocate("residual", (long) BLOCK * Float.BYTES);
            blocks[index] = block;
        }
        return block;
    }
}
