package io.gyre;

/**
 * What one rank brings to a step.
 *
 * @param examples number of examples behind its gradient; 0 if it has run out of data
 * @param score mean loss over them; without meaning if there are none
 * @param stop whether its program asks to end the training after this step
 */
public record StepReport(long examples, double score, boolean stop) {

    /** Whether the loss is NaN or infinite. */
    public boolean hasFailedScore() {
        return examples > 0 && !Double.isFinite(score);
    }
}
