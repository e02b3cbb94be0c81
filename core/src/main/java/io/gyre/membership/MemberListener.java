package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.Member;

/** Receives the events of a run that people should know of, as one rank learns of them. Must not block or throw. */
interface MemberListener {

    /** This rank leaves, and others wait in vain for it in a call that it has not made. */
    default void missed(Member self, String call) {}

    /** An expendable rank was lost. Reported by one rank for all. */
    default void lostExpendable(Member member, String reason) {}

    /** A process has taken the seat of a lost rank. Reported by one rank for all. */
    default void returned(Member member) {}

    /** The run has ended, and the program of this rank has made no call since. */
    default void unaware(int rank, GyreException ending) {}
}
