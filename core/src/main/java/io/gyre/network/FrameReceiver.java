package io.gyre.network;

import java.nio.ByteBuffer;

/** The receiving end of the ordered stream of frames from one peer to this rank. Used by one thread at a time. */
public interface FrameReceiver {

    /** Takes a frame where it lies in the link's own memory. */
    @FunctionalInterface
    interface Handler {
        /**
         * Called once per frame, in the order of sending.
         *
         * @param frame header, valid during the call
         * @param payload memory of the link, direct and in native byte order, valid during the call; not to be written,
         *     and not to be used through its position and limit, which mean nothing
         * @param offset where the payload starts; its length is the frame's
         * @return whether to go on with the next frame of this poll
         */
        boolean onFrame(Frame frame, ByteBuffer payload, int offset);
    }

    /**
     * Hands over frames that have arrived; never blocks. An exception of the handler breaks the link: the next call
     * fails.
     *
     * @param limit most frames to hand over
     * @return how many were
     */
    int poll(Handler handler, int limit);
}
