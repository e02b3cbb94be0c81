package io.gyre.paramserver;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes every change of a shard happen once, although requests and replies may be lost or repeated, and the worker that
 * sent them may be restarted.
 *
 * <p><b>Algorithm.</b> A client numbers its changes to a shard 1, 2, 3 and so on, has one on the way at a time, and
 * repeats it until it is answered. The ledger keeps, for each client, the number of the last change that was applied,
 * its reply, and the client's incarnation. So a change that comes is one of four:
 *
 * <ul>
 *   <li>the next number: it is new, and applied;
 *   <li>the last number: it was applied and the reply may be lost, so the same reply is sent again;
 *   <li>a lower number: a late copy, whose client has had its reply and gone on; nothing is sent;
 *   <li>anything else is refused: a gap, or a change of a process that another has replaced.
 * </ul>
 *
 * <p><b>Restart.</b> A restarted worker opens its buffers before it changes them. That notes its incarnation here
 * ({@link #opened}), and tells it the number to go on from ({@link #lastSequence}). From then on what the process
 * before it still has on the way is refused. Such a change has happened before, and is counted in that number, or it
 * never happens.
 *
 * <p><b>Invariant.</b> For each client the number of changes applied is {@link #lastSequence}, and the number of
 * changes acknowledged is that or one less. It holds because a change is applied and noted ({@link #applied}) in one
 * turn of one thread.
 */
final class ChangeLedger {

    /** What is to be done with a change that has come. */
    enum Verdict {
        /** It is new. */
        APPLY,
        /** It has been applied: its reply is to be sent again. */
        REPEATED,
        /** It is older than the last: its client has had the reply, and expects none. */
        OUTDATED,
        /** One before it is missing, or it is of a process that another has replaced. */
        REFUSED
    }

    /** The last change of one client. Used again, since a client changes a shard in every step. */
    private static final class Entry {
        private long incarnation;
        private long sequence;
        private @Nullable Reply reply;
    }

    private final Map<Integer, Entry> entries = new HashMap<>();

    /** Judges a change of a client. */
    Verdict judge(int rank, ChangeId id) {
        Entry last = entries.get(rank);
        if (last == null) {
            return id.sequence() == 1 ? Verdict.APPLY : Verdict.REFUSED;
        }
        if (id.incarnation() < last.incarnation || id.sequence() > last.sequence + 1) {
            return Verdict.REFUSED;
        }
        if (id.sequence() < last.sequence) {
            return Verdict.OUTDATED;
        }
        return id.sequence() == last.sequence ? Verdict.REPEATED : Verdict.APPLY;
    }

    /** Notes that a change has been applied; in one turn with the change itself. */
    void applied(int rank, ChangeId id, Reply reply) {
        Entry entry = entry(rank);
        entry.incarnation = id.incarnation();
        entry.sequence = id.sequence();
        entry.reply = reply;
    }

    private Entry entry(int rank) {
        return entries.computeIfAbsent(rank, any -> new Entry());
    }

    /** What the last change of a client was answered with. */
    Reply reply(int rank) {
        Entry last = entries.get(rank);
        Reply reply = last == null ? null : last.reply;
        if (reply == null) {
            throw new IllegalStateException("no change of rank " + rank + " has been applied");
        }
        return reply;
    }

    /** Number of the last change of a client that was applied; 0 if there is none. */
    long lastSequence(int rank) {
        Entry last = entries.get(rank);
        return last == null ? 0 : last.sequence;
    }

    /** Notes that a process has opened the shard: changes of earlier processes of its rank are refused from now on. */
    void opened(int rank, long incarnation) {
        Entry entry = entry(rank);
        entry.incarnation = Math.max(entry.incarnation, incarnation);
    }
}
