package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;

/**
 * Figures for one consistency; scripts rely on the names.
 *
 * @param slow who is slow: {@code always} the same worker, or {@code moving}
 * @param dealt whether batches were dealt; otherwise each worker had an equal share
 * @param consistency its name
 * @param seconds from the first pull to the last push of the last worker
 * @param ofFirst time relative to that of the first consistency in the list
 * @param maxStaleness greatest staleness of a push; the bound, if there is one, was kept
 * @param meanStaleness of all pushes
 * @param batches of each worker
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record StragglerResult(
        String slow,
        boolean dealt,
        String consistency,
        double seconds,
        double ofFirst,
        long maxStaleness,
        double meanStaleness,
        List<Long> batches) {

    StragglerResult comparedWith(double first) {
        return new StragglerResult(
                slow, dealt, consistency, seconds, seconds / first, maxStaleness, meanStaleness, batches);
    }
}
