package io.gyre.launcher;

import io.gyre.launcher.RunWatch.Loss;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** The launcher's report on the rank that failed first. */
final class FailureReport {

    private FailureReport() {}

    /**
     * Finds the first failure. Asks the coordinator first, because it saw connections close in order.
     *
     * @param group ranks of which one has failed; all have ended
     * @param missing why the run did not begin, or could not continue without others; empty if it did
     * @param loss the first that the coordinator has noticed; empty if it has noticed none
     */
    static String of(RankGroup group, Optional<String> missing, Optional<Loss> loss) {
        return missing.orElseGet(() -> {
            RankProcess first = first(group, loss);
            return describe(first, group.exitStatus(first), loss);
        });
    }

    private static RankProcess first(RankGroup group, Optional<Loss> loss) {
        return loss.map(lost -> group.process(lost.member()))
                .orElseGet(() ->
                        group.rank(RankEnd.cause(group.ends()).orElseThrow().rank()));
    }

    /** Whether the first failure is the loss of a process, and not that its program has failed. As {@link #of}. */
    static boolean isLoss(RankGroup group, Optional<String> missing, Optional<Loss> loss) {
        if (missing.isPresent()) {
            return false;
        }
        RankProcess rank = first(group, loss);
        OptionalInt status = group.exitStatus(rank);
        boolean connectionBroke =
                status.orElse(0) == ExitStatus.OF_SSH && !rank.place().here() && rank.pid() != 0;
        return status.isEmpty() || connectionBroke || ExitStatus.isSignal(status.getAsInt());
    }

    private static String describe(RankProcess rank, OptionalInt status, Optional<Loss> loss) {
        Placement place = rank.place();
        String pid = rank.pid() == 0 ? "" : ", pid " + rank.pid();
        return "rank " + place.rank() + " (host " + place.host() + pid + ") " + what(rank, status, loss)
                + (rank.ownsTerminal() ? "; see what it printed above" : lastLines(rank.lastLines()));
    }

    private static String what(RankProcess rank, OptionalInt status, Optional<Loss> loss) {
        if (status.isEmpty()) {
            return "was lost: " + loss.map(Loss::reason).orElse("it did not answer");
        }
        if (status.getAsInt() == 0) {
            return "ended with exit status 0 while the others still needed it";
        }
        if (status.getAsInt() == ExitStatus.OF_SSH && !rank.place().here()) {
            return rank.pid() == 0
                    ? "was not started: ssh did not reach its host"
                    : "ended with exit status 255 of ssh (killed, or the connection broke)";
        }
        return "ended with exit status " + ExitStatus.words(status.getAsInt());
    }

    private static String lastLines(List<String> lines) {
        return lines.isEmpty()
                ? "; it printed nothing"
                : lines.stream().collect(Collectors.joining("\n    ", "; its last lines:\n    ", ""));
    }
}
