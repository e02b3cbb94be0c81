package io.gyre.membership;

import io.gyre.Member;
import java.time.Duration;
import java.util.List;

/** Hears what happens to a run. Called on the coordinator's thread: must not block, must not throw. */
public interface RunListener {

    /** Hears nothing. */
    RunListener NONE = new RunListener() {};

    /** A rank has come. */
    default void joined(Member member) {}

    /** Somebody wanted to take part and was turned away; the run goes on. */
    default void refused(String reason) {}

    /** All ranks have come. */
    default void complete(List<Member> members) {}

    /** Nothing has come from a rank for a while. It may recover. */
    default void suspected(Member member, Duration silence) {}

    /** A rank has left in good order. */
    default void left(Member member) {}

    /** A rank has said that the run may go on without it. */
    default void expendable(Member member) {}

    /** A rank without which the run goes on has died. */
    default void fallen(Member member, String reason) {}

    /**
     * A process has taken the seat of an expendable rank that was lost; it is the {@code incarnation}-th after the
     * first.
     */
    default void returned(Member member, int incarnation) {}

    /** A rank has died, and the run with it. Only the first is reported. */
    default void lost(Member member, String reason) {}

    /** The run has lost a rank, and this one's program does not know, since it makes no call of Gyre. */
    default void unaware(Member member) {}

    /** The run has not come about: ranks are missing. */
    default void failed(String reason) {}
}
