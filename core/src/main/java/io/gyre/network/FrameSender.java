package io.gyre.network;

import io.gyre.memory.Region;
import java.nio.ByteBuffer;

/** The sending end of the ordered stream of frames from this rank to one peer. Used by one thread at a time. */
public interface FrameSender {

    /** Longest payload of one frame, in bytes; a multiple of 32, so that frames hold whole elements. */
    int maxPayload();

    /**
     * Tries to send one frame; never blocks.
     *
     * @param frame header; its length is the number of bytes taken from {@code source}
     * @param source payload, copied before the call returns
     * @param offset where the payload starts in {@code source}, in bytes
     * @return false if there is no room now: wait through {@link Endpoint#await} and try again
     */
    boolean offer(Frame frame, Region source, long offset);

    /** As {@link #offer(Frame, Region, long)}, from a direct buffer. */
    boolean offer(Frame frame, ByteBuffer source, int offset);
}
