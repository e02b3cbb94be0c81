package io.gyre.paramserver;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What makes every change happen once: the last change of each member that was applied, and what it was told. A member sends
 * one change at a time and repeats it, with the same sequence number, until it is answered.
 *
 * @param <A> what an applied change is answered with
 */
final class PushLedger<A> {

    /** What is to be done with a change that has come. */
    enum Verdict {
        /** It is new. */
        APPLY,
        /** It has been applied: its answer is to be sent again. */
        REPEATED,
        /** It is older than the last: its member has had its answer, and expects none. */
        OUTDATED,
        /** One before it is missing, or it is of a process that its successor has replaced. */
        REFUSED
    }

    private record Entry<A>(
            long incarnation, long sequence, @Nullable A answer) {}

    private final Map<Integer, Entry<A>> last = new HashMap<>();

    /**
     * Judges a change.
     *
     * @param member whose it is
     * @param incarnation number of its process; a restarted member has a higher one
     * @param sequence its number, from 1; a restarted member goes on where its predecessor's {@link #lastSequence} ended
     */
    Verdict judge(int member, long incarnation, long sequence) {
        Entry<A> entry = last.get(member);
        if (entry == null) {
            return sequence == 1 ? Verdict.APPLY : Verdict.REFUSED;
        }
        if (incarnation < entry.incarnation) {
            return Verdict.REFUSED;
        }
        if (sequence == entry.sequence + 1) {
            return Verdict.APPLY;
        }
        if (sequence == entry.sequence) {
            return Verdict.REPEATED;
        }
        return sequence < entry.sequence ? Verdict.OUTDATED : Verdict.REFUSED;
    }

    /** Notes that a change has been applied; in one turn with the change itself. */
    void applied(int member, long incarnation, long sequence, A answer) {
        last.put(member, new Entry<>(incarnation, sequence, answer));
    }

    /** What the last change of a member was answered with. */
    A answer(int member) {
        Entry<A> entry = last.get(member);
        A answer = entry == null ? null : entry.answer;
        if (answer == null) {
            throw new IllegalStateException("nothing of member " + member + " has been applied");
        }
        return answer;
    }

    /** Number of the last change of a member that was applied; 0 if there is none. */
    long lastSequence(int member) {
        Entry<A> entry = last.get(member);
        return entry == null ? 0 : entry.sequence;
    }

    /** Fences off the earlier processes of a member: what they still have on the way is refused. */
    void restarted(int member, long incarnation) {
        Entry<A> entry = last.get(member);
        if (entry == null) {
            last.put(member, new Entry<>(incarnation, 0, null));
        } else if (incarnation > entry.incarnation) {
            last.put(member, new Entry<>(incarnation, entry.sequence, entry.answer));
        }
    }
}
