package io.gyre.network;

import java.nio.ByteBuffer;

/** The receiving end of the ordered stream of frames from one peer to this rank. Used by one thread at a time. */
public interface FrameReceiver {

    /** Processes a frame in place, in the link's own memory. */
    @FunctionalInterface
    interface Handler {
        /**
         * Called once per frame, in the order of sending.
         *
         * @param frame header, valid during the call
         * @param payload memory of the link, direct and in native byte order, valid during the call; read-only, and its
         *     position and limit are meaningless
         * @param offset where the payload starts; its length is the frame's
         * @return whether to continue this poll with the next frame
         */
        boolean onFrame(Frame frame, ByteBuffer payload, int offset);
    }

    /**
     * Delivers frames that have arrived; never blocks. An exception of the handler breaks the link: the next call
     * fails.
     *
     * @param limit most frames to deliver
     * @return number of frames delivered
     */
    int poll(Handler handler, int limit);
}
