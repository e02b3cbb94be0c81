package io.gyre.dl4j;

/**
 * How ranks divide the batches of their iterators. Except with {@link #OWN}, the iterators must return equal batches.
 */
public enum Sharding {
    /**
     * The iterator's batch is the global batch: each rank trains on its part of the rows. N ranks then do exactly the
     * steps that one rank does with the same iterator, whatever N is.
     */
    EXAMPLES,
    /**
     * Rank r trains on every N-th batch of the iterator, from the r-th: the global batch is N of the iterator's
     * batches.
     */
    BATCHES,
    /** The iterators differ: each holds only its own rank's examples. They need not be equally long. */
    OWN
}
