package io.gyre.kernel;

import java.nio.ByteBuffer;

/**
 * A codec that sends few elements, and the others as zeros: a piece is added to a sum in a time that depends on those
 * few.
 */
public interface SparseCodec extends GradientCodec {

    /**
     * Adds the elements of one call of {@link #encode}; as {@link #decode} otherwise.
     *
     * @param into floats, each of which is increased by the decoded one
     */
    void add(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset);
}
