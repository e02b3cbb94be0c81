package io.gyre.dl4j;

/**
 * What the thread that combines gradients does around each bucket. Where they are in the host's memory that is nothing.
 *
 * <p>Every bucket is awaited and given back once in a step.
 */
interface HostSide extends AutoCloseable {

    /** For gradients that are where they are combined. */
    HostSide NOTHING_TO_DO = new HostSide() {
        @Override
        public void await(int bucket) {}

        @Override
        public void awaitAll() {}

        @Override
        public void giveBack(int bucket) {}

        @Override
        public void giveBackAll() {}

        @Override
        public void close() {}
    };

    /** Waits until a bucket can be read on the host. */
    void await(int bucket);

    /** Waits for all of them. */
    void awaitAll();

    /** Lets a bucket return to where gradients are computed. */
    void giveBack(int bucket);

    /** Lets all of them return. */
    void giveBackAll();

    /** Ends the use by this thread. A second call does nothing. */
    @Override
    void close();
}
