package io.gyre.launcher;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How a rank ended that was not told to end.
 *
 * @param rank which rank
 * @param status its exit status
 */
record RankEnd(int rank, int status) {

    /**
     * The rank that failed first, if several failed and the coordinator does not know. A rank ended by a signal takes
     * precedence over one that exited itself, as ranks do that lose a peer; then the one whose end was noticed first.
     *
     * @param ends in the order in which they were noticed
     */
    static Optional<RankEnd> cause(List<RankEnd> ends) {
        return ends.stream()
                .filter(end -> end.status() != 0)
                .min(Comparator.comparing(end -> !ExitStatus.isSignal(end.status())));
    }
}
