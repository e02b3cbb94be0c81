package io.gyre.training;

/**
 * One thread's access to gradients, bucket by bucket. Where they are in the host's memory it does nothing.
 *
 * <p>Every bucket is awaited and copied back once in a step.
 */
public interface HostAccess extends AutoCloseable {

    /** To gradients that are reduced where they are computed. */
    HostAccess DIRECT = new HostAccess() {
        @Override
        public void await(int bucket) {}

        @Override
        public void copyBack(int bucket) {}

        @Override
        public void close() {}
    };

    /** Waits until a bucket can be read on the host. */
    void await(int bucket);

    /** Begins to copy a bucket back to where gradients are computed. */
    void copyBack(int bucket);

    /** Ends the use by this thread. A second call does nothing. */
    @Override
    void close();
}
