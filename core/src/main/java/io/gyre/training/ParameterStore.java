package io.gyre.training;

import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;
import org.jspecify.annotations.Nullable;

/**
 * Parameters on servers, as one worker sees them: it pulls parameters that contain the updates of all workers, and
 * pushes the gradients that it computes with them.
 *
 * <dl>
 *   <dt>Clock
 *   <dd>Each worker counts its own steps, without gaps. How far workers may run apart is up to the store: a pull blocks
 *       as long as necessary.
 *   <dt>Shape
 *   <dd>All regions are as long as the parameter vector.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Failure
 *   <dd>{@link PeerLostException} if a server is lost, {@link PeerTimeoutException} if one does not reply.
 * </dl>
 */
public interface ParameterStore {

    /**
     * Copies the root's parameters to the store, and from there to all workers. All workers call it together; a
     * restarted worker only gets what the store has.
     */
    void start(Region parameters);

    /**
     * Begins at this worker's step {@code step}, or continues after {@link #finish}. All workers call it together.
     *
     * @return the step at which it actually continues: a later one for a restarted worker, so that no other waits for
     *     the steps it has missed
     */
    long resume(long step);

    /** Whether the parameters of the next step may be requested before the gradient of this one has been pushed. */
    boolean mayPullAhead();

    /** Starts to fetch the parameters for computing step {@code step}. */
    void beginPull(long step);

    /** Waits for {@link #beginPull}, and copies the result to {@code parameters}. */
    void awaitPull(Region parameters);

    /**
     * Starts to push a gradient, and returns as soon as its memory may be reused.
     *
     * @param gradient mean over the worker's examples
     * @param step that it belongs to: the one of the last pull
     * @param examples number of examples, at least 1
     * @param epoch pass over the data, for schedules
     */
    void push(Region gradient, long step, long examples, int epoch);

    /** Waits until all pushes have been applied, or wait at the servers for the other workers' pushes of the step. */
    void awaitPush();

    /**
     * Ends this worker's pushes, waits for the end of the others', and fetches the final parameters. Lost workers are
     * not waited for.
     */
    void finish(Region parameters);

    /** Staleness of this worker's last push, in steps; negative if it has made none. */
    default long lastStaleness() {
        return -1;
    }

    /** Greatest staleness of any push in steps, over all workers, as of the last {@link #finish}. */
    long maxStaleness();

    /** What a checkpoint saves of it; null if it cannot be saved. */
    default @Nullable ServerState serverState() {
        return null;
    }
}
