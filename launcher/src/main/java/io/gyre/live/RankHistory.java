package io.gyre.live;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.ArrayList;
import java.util.List;

/**
 * A whole training in at most {@value #MOST} columns. Once they are full, neighbours are merged, and each new column
 * covers twice the time.
 */
final class RankHistory {

    /** Columns that are kept. */
    static final int MOST = 120;

    private final List<Column> columns = new ArrayList<>();
    private double width;

    /**
     * Some time of a rank.
     *
     * @param seconds length
     * @param steps that ended in it
     * @param waited share of the time in which a thread of the rank waited for another rank, from 0 to 1
     * @param awaited the rank that was waited for the longest; -1 for none
     * @param exposedMs mean of a step: exchange that the step waited for
     * @param hiddenMs mean of a step: exchange during the backward pass
     * @param staleness the greatest, in steps; -1 if nothing was pushed
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Column(
            double seconds, long steps, double waited, int awaited, double exposedMs, double hiddenMs, long staleness) {

        Column {
            seconds = rounded(seconds);
            waited = rounded(Math.min(1, waited));
            exposedMs = rounded(exposedMs);
            hiddenMs = rounded(hiddenMs);
        }

        private static double rounded(double value) {
            return Math.rint(value * 1e3) / 1e3;
        }

        /** Both times as one. */
        Column and(Column next) {
            double whole = seconds + next.seconds;
            long allSteps = steps + next.steps;
            boolean nextWaitsLonger = next.waited * next.seconds > waited * seconds;
            return new Column(
                    whole,
                    allSteps,
                    whole == 0 ? 0 : (waited * seconds + next.waited * next.seconds) / whole,
                    nextWaitsLonger ? next.awaited : awaited,
                    perStep(exposedMs * steps + next.exposedMs * next.steps, allSteps),
                    perStep(hiddenMs * steps + next.hiddenMs * next.steps, allSteps),
                    Math.max(staleness, next.staleness));
        }

        private static double perStep(double sum, long ofSteps) {
            return ofSteps == 0 ? 0 : sum / ofSteps;
        }
    }

    /** Adds the time since the last call. */
    void add(Column column) {
        int last = columns.size() - 1;
        if (last >= 0 && columns.get(last).seconds() + column.seconds() / 2 < width) {
            columns.set(last, columns.get(last).and(column));
            return;
        }
        if (columns.size() == MOST) {
            for (int i = 0; i < MOST / 2; i++) {
                columns.set(i, columns.get(2 * i).and(columns.get(2 * i + 1)));
            }
            columns.subList(MOST / 2, MOST).clear();
            width = columns.get(0).seconds();
        }
        columns.add(column);
    }

    /** A copy, the oldest first. */
    List<Column> columns() {
        return List.copyOf(columns);
    }
}
