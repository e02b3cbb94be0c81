package io.gyre;

/**
 * One rank's view of the ranks that work together: its own rank and their number.
 *
 * @param rank this rank, from 0
 * @param size number of ranks, at least 1
 */
public record World(int rank, int size) {

    public World {
        if (size < 1) {
            throw new IllegalArgumentException("world size " + size + " is not positive");
        }
        if (rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    "rank " + rank + " is outside a world of " + size + " ranks (0 to " + (size - 1) + ")");
        }
    }

    /** The next rank on the ring, to which this one sends. */
    public int right() {
        return (rank + 1) % size;
    }

    /** The previous rank on the ring, from which this one receives. */
    public int left() {
        return (rank + size - 1) % size;
    }

    /** Whether this rank acts for all where one is enough: logging, files, the initial state. */
    public boolean isRoot() {
        return rank == 0;
    }

    /** Fails if {@code peer} is not a rank of this world. */
    public void checkRank(int peer) {
        if (peer < 0 || peer >= size) {
            throw new IllegalArgumentException("rank " + peer + " is outside this world of " + size + " ranks");
        }
    }
}
