package io.gyre.launcher;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** What the launcher says about the rank that failed first. */
final class FailureReport {

    private FailureReport() {}

    /**
     * Describes a failure, in one line and the last lines of the rank.
     *
     * @param rank the rank that failed first
     * @param status its exit status; empty if it had not ended when it was lost, and was stopped for that
     * @param loss what the coordinator knows of it, if anything
     */
    static String of(RankProcess rank, OptionalInt status, Optional<Loss> loss) {
        Placement place = rank.place();
        String name = "rank " + place.rank() + " (host " + place.host() + (rank.pid() == 0 ? "" : ", pid " + rank.pid())
                + ")";
        String what;
        if (status.isEmpty()) {
            what = " was lost: " + loss.map(Loss::reason).orElse("unknown");
        } else if (!place.here() && rank.pid() == 0 && status.getAsInt() == ExitStatus.OF_SSH) {
            what = " was not started: ssh could not reach its host";
        } else if (!place.here() && status.getAsInt() == ExitStatus.OF_SSH) {
            what = " ended with exit status 255 of ssh (killed, or the connection broke)";
        } else {
            what = " ended with exit status " + ExitStatus.words(status.getAsInt());
        }
        return name + what + (rank.ownsTerminal() ? "; see what it printed above" : lastLines(rank.lastLines()));
    }

    private static String lastLines(List<String> lines) {
        return lines.isEmpty()
                ? "; it printed nothing"
                : lines.stream().collect(Collectors.joining("\n    ", "; its last lines:\n    ", ""));
    }
}
