package io.gyre;

/**
 * What one rank brings to a step, and after the exchange what all ranks together brought.
 *
 * @param examples number of examples behind the gradient; 0 if the rank has run out of data
 * @param weightedScore loss summed over the examples
 * @param ranksWithData how many ranks had any examples
 * @param stop number of ranks whose program asks to end the training after this step
 * @param failedScores number of ranks whose loss is NaN or infinite
 */
public record StepSummary(long examples, double weightedScore, int ranksWithData, int stop, int failedScores) {

    /**
     * What one rank brings.
     *
     * @param examples 0 if it has no data
     * @param score mean loss over the examples
     * @param stop whether its program asks to end the training
     */
    public static StepSummary ofRank(long examples, double score, boolean stop) {
        boolean failed = examples > 0 && !Double.isFinite(score);
        return new StepSummary(
                examples,
                examples == 0 || failed ? 0 : score * examples,
                examples == 0 ? 0 : 1,
                stop ? 1 : 0,
                failed ? 1 : 0);
    }

    /** Mean loss over all examples; NaN if there were none or a rank's loss was not finite. */
    public double meanScore() {
        return failedScores > 0 || examples == 0 ? Double.NaN : weightedScore / examples;
    }
}
