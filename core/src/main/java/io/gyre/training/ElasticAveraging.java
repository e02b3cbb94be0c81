package io.gyre.training;

import java.util.Locale;

/**
 * Elastic averaging: ranks train alone, and every few steps an elastic force pulls each towards a common centre, and
 * the centre towards each. After the local update, with moving rate {@code alpha}:
 *
 * <pre>
 * d = alpha (w - centre);   w = w - d;   centre = centre + d
 * </pre>
 *
 * <p>No rank waits for another. The centre is read before {@code d} is computed, since an old centre would pull the
 * wrong way; {@code d} is added to it while the next step computes, as in ShmCaffe (SEASGD). With a momentum updater in
 * the model this is EAMSGD. The centre can also be read {@linkplain #readingAhead ahead}, so that no part of the
 * exchange is waited for.
 *
 * <p>Zhang, Choromanska, LeCun: "Deep learning with elastic averaging SGD", NIPS 2015; Ahn et al.: "ShmCaffe: a
 * distributed deep learning platform with shared memory buffer for HPC architecture", ICDCS 2018.
 */
public final class ElasticAveraging extends ComposedStrategy {

    /**
     * Sum of the ranks' moving rates. When all ranks exchange once, the centre keeps {@code (1 - alpha)^N} of itself:
     * with a fixed rate, the less the more ranks there are; with this, about 0.4 for any number, as the authors of
     * elastic averaging recommend.
     */
    public static final double DEFAULT_BETA = 0.9;

    /**
     * Creates the strategy for one rank.
     *
     * @param centre borrowed
     * @param movingRate alpha, above 0 and below 1
     * @param period steps from one exchange to the next, at least 1
     */
    public ElasticAveraging(SharedVector centre, double movingRate, int period) {
        this(centre, movingRate, period, false);
    }

    /**
     * As the constructor, but the centre is read while the step before the exchange computes. It is then up to a step
     * old, which matters little as it moves slowly. Takes memory for one more vector.
     */
    public static ElasticAveraging readingAhead(SharedVector centre, double movingRate, int period) {
        return new ElasticAveraging(centre, movingRate, period, true);
    }

    private ElasticAveraging(SharedVector centre, double movingRate, int period, boolean ahead) {
        super(
                "elastic",
                String.format(Locale.ROOT, "elastic, moving rate %.6f, every %d steps", movingRate, period),
                new NoReduction(),
                new ElasticPull(centre, movingRate, period, ahead));
    }

    /** The moving rate {@link #DEFAULT_BETA} / N. */
    public static double defaultMovingRate(int ranks) {
        return DEFAULT_BETA / ranks;
    }
}
