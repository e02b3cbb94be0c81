package io.gyre.launcher;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How a rank ended that nobody told to.
 *
 * @param rank which rank
 * @param status its exit status
 */
record RankEnd(int rank, int status) {

    /**
     * The rank that began it, when several failed and the coordinator has no word on it. One that a signal ended is
     * believed before one that gave up by itself, as those do that lose a peer; then the one whose end was noticed
     * first.
     *
     * @param ends in the order in which they were noticed
     */
    static Optional<RankEnd> cause(List<RankEnd> ends) {
        return ends.stream()
                .filter(end -> end.status() != 0)
                .min(Comparator.comparing(end -> !ExitStatus.isSignal(end.status())));
    }
}
