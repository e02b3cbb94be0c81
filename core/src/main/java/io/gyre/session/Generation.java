package io.gyre.session;

/**
 * The time between two changes of who holds the seats of a run.
 *
 * @param number from 1
 * @param session of this process's seats; closed by the user, and by {@link SeatedRun#next}
 * @param source the rank whose process has the newest state; {@link #NONE} if no process has one, and rank 0 begins the
 *     run or reads a checkpoint
 */
public record Generation(int number, Session session, int source) {

    /** No rank. */
    public static final int NONE = -1;

    /** Whether a process of this generation has the state of the run. */
    public boolean hasState() {
        return source != NONE;
    }
}
