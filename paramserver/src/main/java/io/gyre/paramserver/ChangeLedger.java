package io.gyre.paramserver;

import io.gyre.paramserver.CopyMessage.LastChange;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Applies every change of a shard exactly once, although requests and replies may be lost or repeated, and the worker
 * that sent them may be restarted.
 *
 * <p><b>Algorithm.</b> A client numbers its changes to a shard 1, 2, 3 and so on, has one in flight at a time, and
 * repeats it until it gets the reply. For each client, the ledger keeps the number of the last change applied, its
 * reply, and the client's incarnation. So a change that arrives is one of four:
 *
 * <ul>
 *   <li>the next number: it is new, and applied;
 *   <li>the last number: it was applied and the reply may be lost, so the same reply is sent again;
 *   <li>a lower number: a late copy, whose client already has its reply; nothing is sent;
 *   <li>anything else is rejected: a gap, or a change of a process that has been replaced.
 * </ul>
 *
 * <p><b>Restart.</b> A restarted worker opens its buffers before it changes them. That records its incarnation here
 * ({@link #opened}), and returns the number to continue from ({@link #lastSequence}). From then on, changes of its
 * predecessor that are still in flight are rejected. Such a change has either been applied before, and is counted in
 * that number, or is never applied.
 *
 * <p><b>Invariant.</b> For each client, the number of changes applied is {@link #lastSequence}, and the number of
 * changes acknowledged is that or one less. It holds because a change is applied and recorded ({@link #applied}) in one
 * turn of one thread.
 */
final class ChangeLedger {

    /** How to treat a change that has arrived. */
    enum Verdict {
        /** It is new. */
        APPLY,
        /** It has been applied: its reply must be sent again. */
        REPEATED,
        /** It is older than the last one: its client has the reply, and expects none. */
        OUTDATED,
        /** An earlier one is missing, or it is of a process that has been replaced. */
        REFUSED
    }

    /** The last change of one client. Reused, since a client changes a shard in every step. */
    private static final class Entry {
        private long incarnation;
        private long sequence;
        private @Nullable Reply reply;
    }

    private final Map<Integer, Entry> entries = new HashMap<>();

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

    /** Records that a change has been applied; called in one turn with the change itself. */
    void applied(int rank, ChangeId id, Reply reply) {
        Entry entry = entry(rank);
        entry.incarnation = id.incarnation();
        entry.sequence = id.sequence();
        entry.reply = reply;
    }

    private Entry entry(int rank) {
        return entries.computeIfAbsent(rank, any -> new Entry());
    }

    /** The reply to the last change of a client. */
    Reply reply(int rank) {
        Entry last = entries.get(rank);
        Reply reply = last == null ? null : last.reply;
        if (reply == null) {
            throw new IllegalStateException("no change of rank " + rank + " has been applied");
        }
        return reply;
    }

    /** The last change of each client. */
    List<LastChange> state() {
        return entries.entrySet().stream()
                .map(each -> new LastChange(
                        each.getKey(),
                        each.getValue().incarnation,
                        each.getValue().sequence,
                        Stream.ofNullable(each.getValue().reply).toList()))
                .toList();
    }

    /** Continues from the state of another copy. */
    void restore(List<LastChange> state) {
        for (LastChange change : state) {
            Entry entry = entry(change.rank());
            entry.incarnation = change.incarnation();
            entry.sequence = change.sequence();
            entry.reply = change.reply().isEmpty() ? null : change.reply().get(0);
        }
    }

    /** Number of the last change of a client that was applied; 0 if there is none. */
    long lastSequence(int rank) {
        Entry last = entries.get(rank);
        return last == null ? 0 : last.sequence;
    }

    /**
     * Records that a process has opened the shard: changes of earlier processes of its rank are rejected from now on.
     */
    void opened(int rank, long incarnation) {
        Entry entry = entry(rank);
        entry.incarnation = Math.max(entry.incarnation, incarnation);
    }
}
