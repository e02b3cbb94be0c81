package io.gyre.training;

import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;

/**
 * Parameters that live on servers, as one worker sees them: it pulls what all workers have made of them, and pushes the
 * gradients that it finds there.
 *
 * <dl>
 *   <dt>Clock
 *   <dd>Steps are counted by each worker for itself, without gaps. How far workers may run apart is the store's affair:
 *       a pull takes as long as it must.
 *   <dt>Shape
 *   <dd>All regions are as long as the vector of the parameters.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Failure
 *   <dd>{@link PeerLostException} if a server is gone, {@link PeerTimeoutException} if one does not answer.
 * </dl>
 */
public interface ParameterStore {

    /**
     * Puts the root's parameters into the store, and gives them to everybody. All workers call it together; one that
     * has come back only gets what the store has.
     */
    void start(Region parameters);

    /**
     * Goes on after {@link #finish}, or begins, at this worker's step {@code step}. All workers call it together.
     *
     * @return the step at which it really goes on: a later one for a worker that was lost and has come back, so that
     *     nobody waits for what it has missed
     */
    long resume(long step);

    /** Whether the parameters of the next step may be asked for before the gradient of this one has been pushed. */
    boolean mayPullAhead();

    /** Begins to fetch the parameters with which to compute step {@code step}. */
    void beginPull(long step);

    /** Waits for what {@link #beginPull} has begun, and copies it to {@code parameters}. */
    void awaitPull(Region parameters);

    /**
     * Begins to hand over a gradient, and returns as soon as its memory may be used again.
     *
     * @param gradient mean over the worker's examples
     * @param step that it belongs to: the one of the last pull
     * @param examples how many there were, at least 1
     * @param epoch pass over the data, for schedules
     */
    void push(Region gradient, long step, long examples, int epoch);

    /**
     * Waits until all that was pushed has been applied, or waits at the servers for the other workers' part of the
     * step.
     */
    void awaitPush();

    /**
     * Ends this worker's pushes, waits for the end of the others', and fetches what has come of it all. Workers that
     * have died are not waited for.
     */
    void finish(Region parameters);

    /** Most steps by which a push was late, over all workers, as of the last {@link #finish}. */
    long maxStaleness();
}
