package io.gyre.startup;

/**
 * What a step has cost a rank: medians over some steps.
 *
 * @param rank its number
 * @param stepNanos from the end of one step to that of the next
 * @param dataNanos the part before anything was computed: the rank waited for its data
 * @param waitNanos the part in which the rank exchanged, or waited for others
 * @param bytes that it sent
 * @param networkBytes the part of them that went over a network
 */
public record StepCosts(int rank, long stepNanos, long dataNanos, long waitNanos, long bytes, long networkBytes) {

    /** What the rank did without others: read, compute and update. */
    long ownNanos() {
        return Math.max(0, stepNanos - waitNanos);
    }
}
