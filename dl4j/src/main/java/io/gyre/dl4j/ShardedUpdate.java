package io.gyre.dl4j;

import java.util.Locale;

/**
 * Whether the ranks of a host divide the update among them: each runs the model's updater on its chunk of the
 * parameters. They share one copy of the updater's state and, during {@code fit} of a model without listeners, of the
 * parameters. Results are bit-identical either way, and so are files.
 *
 * <p>It is for the default strategy, and for models whose updaters and regularisation work element by element, as all
 * of Deeplearning4j's do: otherwise every rank updates everything, and rank 0 logs the reason.
 */
public enum ShardedUpdate {

    /** If several ranks share a host and the model has so many parameters that it is faster. */
    AUTO,

    /** If several ranks share a host. */
    ON,

    /** Every rank updates everything. */
    OFF;

    /** As on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
