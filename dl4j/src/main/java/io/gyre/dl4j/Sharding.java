package io.gyre.dl4j;

/**
 * How ranks divide the batches of their iterators. With {@link #EXAMPLES} and {@link #BATCHES}, the iterators must
 * return equal batches.
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
    /**
     * As {@link #EXAMPLES}, but rank 0 alone reads and sends every other rank its rows. The iterators of the others are
     * not read: data need not be repeatable, such as those of an unseeded shuffle, a static generator or a stream. Rank
     * 0 reads, and sends over its link, what all ranks train on. For strategies whose ranks are in lockstep.
     */
    FROM_ROOT,
    /** The iterators differ: each holds only its own rank's examples. They need not be equally long. */
    OWN
}
