package io.gyre.samples.train;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.launcher.ReportFile;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Result of a training, for {@code --report}: scripts rely on the names.
 *
 * @param model its name
 * @param data name of the data
 * @param ranks how many
 * @param strategy one word
 * @param groups groups of ranks that took their steps together
 * @param result describes the model with which the run ended, and which was evaluated
 * @param transport one word: the transport that the ranks used
 * @param batch examples per rank and step
 * @param seed of everything
 * @param resumedFromStep where a resumed run continued; 0 for a new run. The following figures are of this run only
 * @param steps optimiser steps
 * @param skippedSteps steps among these whose update was skipped, because gradients had overflowed in mixed precision
 * @param epochs passes over the data that were completed
 * @param examples number of examples of all ranks together
 * @param seconds wall-clock time of the steps
 * @param examplesPerSecond of all ranks together
 * @param lossFirst mean over the first step's examples; null if there was no step
 * @param lossLast mean over the last step's examples; null if there was no step
 * @param accuracy on the images held out; null if there are none
 * @param bitsPerCharacter on the text held out; null if there is none
 * @param parametersSha256 of each rank's parameters, except of lost ranks
 * @param lostRanks ranks that were lost
 * @param returnedRanks ranks that were lost and restarted; their earlier work is in no other figure
 * @param lostServers ranks of servers that were lost, and whose backups took over
 * @param bytesSent payload that each rank sent while it trained
 * @param networkBytesSent the part of it that went over a network, not through memory or IPC
 * @param maxStaleness greatest staleness of a gradient, in steps
 * @param exchangeMs milliseconds that rank 0 took to exchange the gradients of a step; null if there was no step
 * @param exposedMs milliseconds of it that the step waited; null if there was no step
 * @param stopped where the run stopped because it was told to end; null if it was completed
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record TrainReport(
        String model,
        String data,
        int ranks,
        String strategy,
        List<List<Integer>> groups,
        String result,
        String transport,
        int batch,
        long seed,
        long resumedFromStep,
        long steps,
        long skippedSteps,
        int epochs,
        long examples,
        double seconds,
        double examplesPerSecond,
        @Nullable Double lossFirst,
        @Nullable Double lossLast,
        @Nullable Double accuracy,
        @Nullable Double bitsPerCharacter,
        List<String> parametersSha256,
        List<Integer> lostRanks,
        List<Integer> returnedRanks,
        List<Integer> lostServers,
        List<Long> bytesSent,
        List<Long> networkBytesSent,
        long maxStaleness,
        @Nullable Milliseconds exchangeMs,
        @Nullable Milliseconds exposedMs,
        @Nullable Stop stopped) {

    /**
     * Where a run stopped.
     *
     * @param step the last step taken, from 1
     * @param epoch epoch of that step, from 1
     */
    record Stop(long step, int epoch) {}

    /** Times of the steps of a training. */
    record Milliseconds(double median, double p99) {}

    String toJson() {
        return ReportFile.json(this);
    }

    /** A few lines of text. */
    String summary() {
        StringBuilder text = new StringBuilder();
        text.append("trained %s on %s: %d %s, %s over %s%n"
                .formatted(model, data, ranks, ranks == 1 ? "rank" : "ranks", strategy, transport));
        text.append("  %,d steps, %,d examples in %.1f s: %,.0f examples/s%n"
                .formatted(steps, examples, seconds, examplesPerSecond));
        if (lossFirst != null && lossLast != null) {
            text.append("  loss %.4f -> %.4f%n".formatted(lossFirst, lossLast));
        }
        if (skippedSteps > 0) {
            text.append("  %,d updates skipped, because gradients had overflowed%n".formatted(skippedSteps));
        }
        if (accuracy != null) {
            text.append("  accuracy %.4f on images held out%n".formatted(accuracy));
        }
        if (bitsPerCharacter != null) {
            text.append("  %.4f bits per character on text held out%n".formatted(bitsPerCharacter));
        }
        if (exchangeMs != null && exposedMs != null && ranks > 1) {
            text.append("  gradient exchange %.1f ms per step, of which %.1f ms delayed the step%n"
                    .formatted(exchangeMs.median, exposedMs.median));
        }
        if (ranks > 1 && steps > 0) {
            text.append("  a rank sent %,d bytes per step, %,d of them over a network%n"
                    .formatted(perStep(bytesSent), perStep(networkBytesSent)));
        }
        text.append("  parameters %s, equal on all ranks: %s"
                .formatted(parametersSha256.get(0).substring(0, 16), result));
        if (maxStaleness > 0) {
            text.append("%n  no gradient was more than %d steps late".formatted(maxStaleness));
        }
        if (!lostRanks.isEmpty()) {
            text.append("%n  %d of %d ranks were lost: %s".formatted(lostRanks.size(), ranks, numbers(lostRanks)));
        }
        if (!returnedRanks.isEmpty()) {
            text.append("%n  %d of %d ranks were lost and restarted: %s"
                    .formatted(returnedRanks.size(), ranks, numbers(returnedRanks)));
        }
        if (!lostServers.isEmpty()) {
            text.append("%n  servers were lost, and their backups took over: rank%s %s"
                    .formatted(lostServers.size() == 1 ? "" : "s", numbers(lostServers)));
        }
        return text.toString();
    }

    /** Mean of all ranks. */
    private long perStep(List<Long> ofRanks) {
        return ofRanks.stream().mapToLong(Long::longValue).sum() / ofRanks.size() / steps;
    }

    private static String numbers(List<Integer> some) {
        return String.join(", ", some.stream().map(String::valueOf).toList());
    }
}
