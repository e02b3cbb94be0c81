package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.Member;

/** Hears what people should know of a run, as one rank learns it. Must not block, must not throw. */
interface MemberListener {

    /** This rank leaves, and others wait for it in vain in a call that it has not made. */
    default void missed(Member self, String call) {}

    /** An expendable rank was lost. Told by one rank for all. */
    default void fallen(Member member, String reason) {}

    /** A process has taken the seat of a lost rank. Told by one rank for all. */
    default void returned(Member member) {}

    /** The run has ended, and the program of this rank has not asked about it since. */
    default void unaware(int rank, GyreException ending) {}
}
