package io.gyre.dl4j;

import io.gyre.GyreException;

/**
 * What rank 0 tells the others after a pass of early stopping.
 *
 * @param ends what ends the training
 * @param details of what ends it, in words; empty if nothing does
 * @param evaluated whether the pass has a score
 * @param score of the pass; NaN if it has none
 * @param best whether the model is the best so far
 */
record EarlyStoppingVerdict(Ends ends, String details, boolean evaluated, double score, boolean best) {

    private static final int FIELDS = 5;
    private static final int LONGEST_SHOWN = 100;

    /** What ends the training. */
    enum Ends {
        NOTHING,
        ITERATION_CONDITION,
        EPOCH_CONDITION
    }

    /** Nothing ends the training, and the pass has no score. */
    static EarlyStoppingVerdict nothing() {
        return new EarlyStoppingVerdict(Ends.NOTHING, "", false, Double.NaN, false);
    }

    /** The training ended within the pass. */
    static EarlyStoppingVerdict withinPass(String details) {
        return new EarlyStoppingVerdict(Ends.ITERATION_CONDITION, details, false, Double.NaN, false);
    }

    /** Fields, each on its line; the details, which may have several lines, are last. */
    String text() {
        return ends + "\n" + evaluated + "\n" + Double.doubleToRawLongBits(score) + "\n" + best + "\n" + details;
    }

    /**
     * Reads {@link #text}.
     *
     * @throws GyreException if it is none
     */
    static EarlyStoppingVerdict parse(String text) {
        String[] fields = text.split("\n", FIELDS);
        try {
            return new EarlyStoppingVerdict(
                    Ends.valueOf(fields[0]),
                    fields[FIELDS - 1],
                    Boolean.parseBoolean(fields[1]),
                    Double.longBitsToDouble(Long.parseLong(fields[2])),
                    Boolean.parseBoolean(fields[3]));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new GyreException(
                    "not the verdict of a pass of early stopping: it begins with '"
                            + text.substring(0, Math.min(text.length(), LONGEST_SHOWN)) + "'",
                    e);
        }
    }
}
