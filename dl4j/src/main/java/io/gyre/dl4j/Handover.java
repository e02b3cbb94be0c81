package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a process is in its training, besides the model's state: what it carries into the next generation of a run with
 * seats, and what others without the newest state are given.
 *
 * @param inCall whether it is inside a call of {@code fit}, which continues
 * @param callsToSkip calls of {@code fit} that a resumed program has yet to skip
 * @param startedEpoch the last epoch whose beginning the model's listeners have heard; -1 for none
 * @param ended whether the training has ended by a request
 * @param stopping whether the call that it is inside ends here, since a rank has asked for that
 * @param score of the last step
 * @param soFar figures of the call that it is inside; null if there is none
 * @param algorithm by which gradients are summed: the same in all generations, so that the sums are
 */
record Handover(
        Progress progress,
        boolean inCall,
        int callsToSkip,
        int startedEpoch,
        boolean ended,
        boolean stopping,
        double score,
        @Nullable FitReport soFar,
        Algorithm algorithm) {

    /** Lines of name, tab, value. */
    String text() {
        return progress.text() + "inCall\t" + inCall + "\ncallsToSkip\t" + callsToSkip + "\nended\t" + ended
                + "\nstopping\t" + stopping + "\nscore\t" + Double.doubleToRawLongBits(score) + "\nsoFar\t"
                + (soFar == null ? "" : FitReportText.of(soFar)) + "\nalgorithm\t" + algorithm + "\n";
    }

    /**
     * Reads {@link #text}; ignores other lines.
     *
     * @param own what this process carries itself; null if it is new
     */
    static Handover parse(String text, @Nullable Handover own) {
        String soFar = value(text, "soFar");
        return new Handover(
                Progress.parse(text),
                Boolean.parseBoolean(value(text, "inCall")),
                (int) number(text, "callsToSkip"),
                own == null ? -1 : own.startedEpoch,
                Boolean.parseBoolean(value(text, "ended")),
                Boolean.parseBoolean(value(text, "stopping")),
                Double.longBitsToDouble(number(text, "score")),
                soFar.isEmpty() ? null : FitReportText.parse(soFar),
                Algorithm.of(value(text, "algorithm")));
    }

    private static long number(String text, String name) {
        try {
            return Long.parseLong(value(text, name));
        } catch (NumberFormatException e) {
            throw new GyreException("not the state of a training: its " + name + " is '" + value(text, name) + "'", e);
        }
    }

    private static String value(String text, String name) {
        Optional<String> line =
                text.lines().filter(each -> each.startsWith(name + "\t")).findFirst();
        return line.map(found -> found.substring(name.length() + 1))
                .orElseThrow(() -> new GyreException("not the state of a training: it has no " + name));
    }
}
