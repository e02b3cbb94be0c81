package io.gyre.queue;

/** The process of a job, started by this worker or by one before it. */
interface JobProcess {

    boolean isAlive();

    /** Tells it to end in order, as SIGTERM does. */
    void ask();

    /** Ends it at once, with all processes that it has started. */
    void kill();
}
