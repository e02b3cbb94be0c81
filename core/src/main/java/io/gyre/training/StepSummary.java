package io.gyre.training;

import java.util.ArrayList;
import java.util.List;

/**
 * The reports of all ranks in step. All of them hold the same summary, and so take the same decisions and find the same
 * rank at fault.
 *
 * @param reports by rank among those in step
 */
public record StepSummary(List<StepReport> reports) {

    /** Copies the list. */
    public StepSummary {
        reports = List.copyOf(reports);
    }

    /** The summary of a rank that takes its steps alone. */
    public static StepSummary alone(StepReport own) {
        return new StepSummary(List.of(own));
    }

    /**
     * The summary of some of the ranks.
     *
     * @param ranks by index among those in step
     */
    public StepSummary of(List<Integer> ranks) {
        List<StepReport> some = new ArrayList<>(ranks.size());
        for (int rank : ranks) {
            some.add(reports.get(rank));
        }
        return new StepSummary(some);
    }

    /** Number of examples behind the gradients of all. */
    public long examples() {
        long sum = 0;
        for (StepReport report : reports) {
            sum += report.examples();
        }
        return sum;
    }

    /** Whether any rank's program requests the end of the training after this step. */
    public boolean stop() {
        for (StepReport report : reports) {
            if (report.stop()) {
                return true;
            }
        }
        return false;
    }

    /** Whether the batch of any rank takes more steps: all ranks in step take them too. */
    public boolean unfinished() {
        for (StepReport report : reports) {
            if (report.unfinished()) {
                return true;
            }
        }
        return false;
    }

    /** Whether the ranks are to regroup after this step, since a process waits for seats. */
    public boolean regroup() {
        for (StepReport report : reports) {
            if (report.regroup()) {
                return true;
            }
        }
        return false;
    }

    /** Whether the update of this step is skipped, because the sums of the gradients have overflowed. */
    public boolean skipped() {
        for (StepReport report : reports) {
            if (report.overflow()) {
                return true;
            }
        }
        return false;
    }

    /** Number of ranks whose loss is NaN or infinite. */
    public int failedScores() {
        int count = 0;
        for (StepReport report : reports) {
            count += report.hasFailedScore() ? 1 : 0;
        }
        return count;
    }

    /** Mean loss over all examples; NaN if there are none, and not finite if any rank's loss is not. */
    public double meanScore() {
        double sum = 0;
        long examples = 0;
        for (StepReport report : reports) {
            if (report.examples() > 0) {
                sum += report.score() * report.examples();
                examples += report.examples();
            }
        }
        return examples == 0 ? Double.NaN : sum / examples;
    }
}
