package io.gyre.membership;

import io.gyre.session.Reached;
import java.time.Duration;
import java.util.List;

/**
 * Receives the events of a run with seats, on the usher's thread. Must not block or throw.
 */
public interface SeatListener {

    /** Ignores all events. */
    SeatListener NONE = new SeatListener() {};

    /** A process takes part. */
    default void joined(RunProcess process) {}

    /** A process asked to take part and was refused; the run continues. */
    default void refused(String reason) {}

    /** Nothing has been received from a process for a while. It may recover. */
    default void suspected(RunProcess process, Duration silence) {}

    /**
     * A process was lost.
     *
     * @param seats those that it held, which others take
     * @param newest the newest state that was reported when the generation began
     */
    default void lost(RunProcess process, List<Integer> seats, int generation, Reached newest, String reason) {}

    /**
     * A generation begins.
     *
     * @param newest the newest state
     * @param behind number of steps that the process furthest behind must be given
     */
    default void convened(int generation, Seating seating, Reached newest, long behind) {}

    /** A process has ended in good order. */
    default void left(RunProcess process) {}

    /** The run cannot continue. */
    default void failed(String reason) {}
}
