package io.gyre.dl4j;

import io.gyre.session.SharedCounter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The numbers of batches that one rank draws from the counter of all, and which of them it has trained on. A number of
 * a later pass is kept for it.
 *
 * <p>Any thread: one draws, another trains.
 */
final class DealtNumbers {

    private static final long NONE = -1;

    private final SharedCounter counter;
    private final Deque<Long> handedOut = new ArrayDeque<>();
    private Dealing begin = Dealing.NONE;
    private long kept = NONE;

    /**
     * Creates the numbers of one rank.
     *
     * @param counter from 0, of all ranks
     */
    DealtNumbers(SharedCounter counter) {
        this.counter = counter;
    }

    /** Continues where another run was. The counter is new. */
    synchronized void continueFrom(Dealing earlier) {
        begin = earlier;
    }

    /** The next number, which is drawn if none is kept. */
    synchronized long peek() {
        if (kept == NONE) {
            kept = begin.number(counter.getAndAdd(1));
        }
        return kept;
    }

    /** Takes the number that {@link #peek} has shown. */
    synchronized void take() {
        handedOut.add(kept);
        kept = NONE;
    }

    /** The batch that was taken first has been trained on. */
    synchronized void trained() {
        handedOut.remove();
    }

    /** What this rank has drawn and not trained on. */
    synchronized List<Long> unread() {
        List<Long> all = new ArrayList<>(handedOut);
        if (kept != NONE) {
            all.add(kept);
        }
        return all;
    }

    /**
     * What all ranks have trained on, while none draws.
     *
     * @param firstEpoch see {@link Dealing}
     * @param unread of all ranks
     */
    synchronized Dealing ofAll(long firstEpoch, List<Long> unread) {
        long turns = counter.getAndAdd(0);
        List<Long> all = new ArrayList<>(unread);
        all.addAll(begin.leftAfter(turns));
        all.sort(null);
        return new Dealing(
                firstEpoch, begin.number(Math.max(turns, begin.unread().size())), all);
    }
}
