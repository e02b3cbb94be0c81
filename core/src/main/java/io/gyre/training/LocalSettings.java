package io.gyre.training;

import io.gyre.Chunk;
import java.util.Locale;

/**
 * When ranks take local steps, and when and how they synchronise: the settings of {@link LocalSteps}, the same on all
 * ranks.
 *
 * <p>The parameters are cut into fragments of equal length. Each is synchronised once in every period, and they are
 * spread over it, so that no step carries all of them.
 *
 * @param name one word for reports: {@code post-local}, {@code diloco}
 * @param localAfter number of synchronous steps before the first local one, counted from the model's step 0
 * @param period local steps from one synchronisation of a fragment to its next
 * @param fragments number of fragments, at most the period
 * @param outerRate learning rate of the outer update
 * @param outerMomentum its Nesterov momentum; with rate 1 and momentum 0, ranks synchronise to their mean
 * @param delay steps from a synchronisation to its result: 0, or 1 to send while a step computes
 */
public record LocalSettings(
        String name, long localAfter, int period, int fragments, double outerRate, double outerMomentum, int delay) {

    /** From the 8 to 16 steps of the authors' experiments with post-local SGD. */
    public static final int POST_LOCAL_PERIOD = 8;

    /** Synchronous steps before post-local SGD is local: those in which parameters change fastest. */
    public static final long POST_LOCAL_AFTER = 100;

    /** A tenth of what the authors of DiLoCo use in runs of some 100,000 steps. */
    public static final int DILOCO_PERIOD = 50;

    /** As the authors of DiLoCo recommend. */
    public static final double DILOCO_RATE = 0.7;

    /** As the authors of DiLoCo recommend. */
    public static final double DILOCO_MOMENTUM = 0.9;

    /** A larger outer rate is a typing error. */
    public static final double MOST_RATE = 10;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException with the value that is out of range
     */
    public LocalSettings {
        if (localAfter < 0) {
            throw new IllegalArgumentException("local steps after " + localAfter + " others: 0 or more are possible");
        }
        if (period < 1) {
            throw new IllegalArgumentException("a period of " + period + " steps: at least 1 is needed");
        }
        if (fragments < 1 || fragments > period) {
            throw new IllegalArgumentException(fragments + " fragments in a period of " + period + " steps: 1 to "
                    + period + " are possible, since a step carries at most one");
        }
        if (!(outerRate > 0 && outerRate <= MOST_RATE)) {
            throw new IllegalArgumentException(
                    "an outer rate of " + outerRate + ": it must be above 0, and at most " + MOST_RATE);
        }
        if (!(outerMomentum >= 0 && outerMomentum < 1)) {
            throw new IllegalArgumentException(
                    "an outer momentum of " + outerMomentum + ": it must be at least 0, and below 1");
        }
        if (delay < 0 || delay > 1) {
            throw new IllegalArgumentException("a delay of " + delay + " steps: 0 or 1 are possible");
        }
    }

    /** The settings of post-local SGD: the mean of all ranks every {@code period} steps. */
    public static LocalSettings postLocal(long localAfter, int period) {
        return new LocalSettings("post-local", localAfter, period, 1, 1, 0, 0);
    }

    /** The settings of DiLoCo; with several fragments, of Streaming DiLoCo. */
    public static LocalSettings diloco(int period, int fragments, double outerRate, double outerMomentum) {
        return new LocalSettings("diloco", 0, period, fragments, outerRate, outerMomentum, 0);
    }

    /** The same settings with another {@link #delay}. */
    public LocalSettings delayed(int steps) {
        return new LocalSettings(name, localAfter, period, fragments, outerRate, outerMomentum, steps);
    }

    /** Whether a step is local. */
    boolean isLocal(long step) {
        return step >= localAfter;
    }

    /** Whether a fragment is synchronised after a step. */
    boolean isDue(int fragment, long step) {
        return isLocal(step) && (step - localAfter + 1) % period == (fragment + 1L) * period / fragments % period;
    }

    /**
     * A fragment of a vector.
     *
     * @param elements length of the vector
     */
    Span fragment(int fragment, long elements) {
        long offset = Chunk.offset(fragment, fragments, elements);
        return new Span(offset, Chunk.offset(fragment + 1, fragments, elements) - offset);
    }

    /** Whether synchronised parameters are the mean of the ranks'. */
    boolean isMean() {
        return outerRate == 1 && outerMomentum == 0;
    }

    /** Name and values. */
    String description() {
        StringBuilder text = new StringBuilder(name);
        if (localAfter > 0) {
            text.append(", local after ").append(localAfter).append(" steps");
        }
        text.append(", every ").append(period).append(" steps");
        if (fragments > 1) {
            text.append(" in ").append(fragments).append(" fragments");
        }
        if (!isMean()) {
            text.append(String.format(Locale.ROOT, ", outer rate %.6f, outer momentum %.6f", outerRate, outerMomentum));
        }
        if (delay > 0) {
            text.append(", ").append(delay).append(" step late");
        }
        return text.toString();
    }
}
