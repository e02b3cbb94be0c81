package io.gyre.training;

/**
 * What one rank brings to a step.
 *
 * @param examples number of examples behind its gradient; 0 if it has run out of data
 * @param score mean loss over them; of no meaning if there are none
 * @param stop whether its program asks to end the training after this step
 * @param dataFingerprint of all that it has read so far of data that every rank reads; 0 if each rank has its own.
 *     Compared within {@link #FINGERPRINT_BITS} bits
 * @param replicaFingerprint of the part of its replica whose turn it is in this step; 0 if none is compared. As above
 */
public record StepReport(long examples, double score, boolean stop, long dataFingerprint, long replicaFingerprint) {

    /** Fingerprints travel as doubles, which hold whole numbers of up to 53 bits. */
    public static final int FINGERPRINT_BITS = 52;

    private static final long MASK = (1L << FINGERPRINT_BITS) - 1;

    /** Keeps of the fingerprints what travels. */
    public StepReport {
        dataFingerprint &= MASK;
        replicaFingerprint &= MASK;
    }

    /** A report without fingerprints. */
    public static StepReport of(long examples, double score, boolean stop) {
        return new StepReport(examples, score, stop, 0, 0);
    }

    /** Whether the loss is NaN or infinite. */
    public boolean hasFailedScore() {
        return examples > 0 && !Double.isFinite(score);
    }
}
