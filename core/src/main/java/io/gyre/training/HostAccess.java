package io.gyre.training;

/**
 * One thread's host access to gradients, bucket by bucket. Does nothing if they are in the host's memory.
 *
 * <p>Every bucket is awaited and copied back once per step.
 */
public interface HostAccess extends AutoCloseable {

    /** Access to gradients that are reduced where they are computed. */
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

    /** Starts to copy a bucket back to where gradients are computed. */
    void copyBack(int bucket);

    /** Ends this thread's access. A second call does nothing. */
    @Override
    void close();
}
