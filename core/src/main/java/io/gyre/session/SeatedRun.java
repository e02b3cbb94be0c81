package io.gyre.session;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A process's part in a run whose processes may change. The run has a fixed number of ranks, its <em>seats</em>; each
 * is held by a process, and passes to another when that is lost or a new one comes. What the run computes does not
 * depend on that.
 *
 * <p>In each {@link Generation} the seats have an ordinary {@link Session}, which the first loss ends. Then each process
 * that is left closes it and asks for the {@link #next}.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread drives the run. {@link #isAdjourned} and {@link #fail} may be called from any thread.
 * </dl>
 */
public interface SeatedRun extends AutoCloseable {

    /** Number of seats. */
    int seats();

    /**
     * Closes the session of the generation before, and returns that of the next, in which all seats have joined. Waits
     * for the other processes, and as a spare for the end of the run.
     *
     * @param reached how far this process has come
     * @throws io.gyre.GyreException if the run has ended, or this process is not in it any more
     */
    Generation next(Reached reached);

    /**
     * A directory in memory of this host that outlives the processes of the run, for what the only one with the run's
     * state keeps of it. Empty if there is none: then the state is lost with that process.
     */
    default Optional<Path> stateDirectory() {
        return Optional.empty();
    }

    /** Whether the present generation is to end between two steps, because another process waits for seats. */
    boolean isAdjourned();

    /** Tells the run that this process cannot continue: its seats go to others. */
    void fail(String reason);

    /** Leaves the run: this process has done its work, or has {@linkplain #fail failed}. A second call does nothing. */
    @Override
    void close();
}
