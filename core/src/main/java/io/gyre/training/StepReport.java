package io.gyre.training;

/**
 * One rank's report on a step.
 *
 * @param examples number of examples behind its gradient; 0 if it has run out of data
 * @param score mean loss over them; meaningless without examples
 * @param stop whether its program requests the end of the training after this step
 * @param unfinished whether the batch of these examples takes more steps after this one
 * @param regroup whether its process knows of another that waits for seats, so that the ranks are to regroup after this
 *     step
 * @param overflow whether the sums of the gradients have overflowed in the numbers in which they are sent, so that their
 *     update is to be skipped
 * @param dataFingerprint of all data read so far, if every rank reads the same; 0 if each rank has its own data.
 *     Compared within {@link #FINGERPRINT_BITS} bits
 * @param replicaFingerprint of the part of its replica that is compared in this step; 0 if none is. Compared within
 *     {@link #FINGERPRINT_BITS} bits
 */
public record StepReport(
        long examples,
        double score,
        boolean stop,
        boolean unfinished,
        boolean regroup,
        boolean overflow,
        long dataFingerprint,
        long replicaFingerprint) {

    /** Fingerprints are sent as doubles, which hold integers of up to 53 bits. */
    public static final int FINGERPRINT_BITS = 52;

    private static final long MASK = (1L << FINGERPRINT_BITS) - 1;

    /** Truncates the fingerprints to the bits that are sent. */
    public StepReport {
        dataFingerprint &= MASK;
        replicaFingerprint &= MASK;
    }

    /** A report on a batch that takes one step, without an overflow and without fingerprints. */
    public static StepReport of(long examples, double score, boolean stop) {
        return new StepReport(examples, score, stop, false, false, false, 0, 0);
    }

    /** Whether the loss is NaN or infinite. */
    public boolean hasFailedScore() {
        return examples > 0 && !Double.isFinite(score);
    }
}
