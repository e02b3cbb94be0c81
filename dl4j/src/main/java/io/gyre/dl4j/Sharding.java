package io.gyre.dl4j;

/** How ranks divide what comes out of their iterators. By all but {@link #OWN} these must give equal batches. */
public enum Sharding {
    /**
     * The iterator's batch is the global batch: each rank trains on its slice of the rows. N ranks then do exactly the
     * steps that one rank does with the same iterator, whatever N is.
     */
    EXAMPLES,
    /** Rank r trains on every N-th batch of the iterator, from the r-th: the global batch is N of the iterator's. */
    BATCHES,
    /** The iterators differ: each holds its own rank's examples and no other's. They need not be equally long. */
    OWN
}
