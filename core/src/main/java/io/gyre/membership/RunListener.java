package io.gyre.membership;

import io.gyre.Member;
import java.time.Duration;
import java.util.List;

/** Receives the events of a run, on the coordinator's thread. Must not block or throw. */
public interface RunListener {

    /** Ignores all events. */
    RunListener NONE = new RunListener() {};

    /** A rank has joined. */
    default void joined(Member member) {}

    /** A process asked to join and was refused; the run continues. */
    default void refused(String reason) {}

    /** All ranks have joined. */
    default void complete(List<Member> members) {}

    /** Nothing has been received from a rank for a while. It may recover. */
    default void suspected(Member member, Duration silence) {}

    /** A rank has left in good order. */
    default void left(Member member) {}

    /** A rank has declared itself expendable. */
    default void expendable(Member member) {}

    /** An expendable rank was lost, and the run continues. */
    default void lostExpendable(Member member, String reason) {}

    /**
     * A process has taken the seat of an expendable rank that was lost; it is the {@code incarnation}-th after the
     * first.
     */
    default void returned(Member member, int incarnation) {}

    /** A rank was lost, and the run has failed. Only the first loss is reported. */
    default void lost(Member member, String reason) {}

    /** The run has lost a rank, and the program of this one does not know, since it makes no call of Gyre. */
    default void unaware(Member member) {}

    /** The run has not started: ranks are missing. */
    default void failed(String reason) {}
}
