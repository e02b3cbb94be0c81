package io.gyre.dl4j;

import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * One process's part of a global batch.
 *
 * @param parts of the ranks that the process holds, in the order of its seats
 * @param ended whether this rank's data have ended
 * @param fingerprint of what this rank has read so far that all ranks read alike, see {@link Fingerprint}; 0 if each
 *     rank has its own data
 * @param mark distinguishes these data from others with the same description when a pass begins after this share; 0 for
 *     none
 * @param reads what was read since the previous share that all ranks read alike
 */
record Share(List<Part> parts, boolean ended, long fingerprint, long mark, List<Read> reads) {

    /**
     * One rank's rows.
     *
     * @param rows null if this rank has none
     * @param borrowed whether the rows are valid only until the next read of their source
     */
    record Part(@Nullable MultiDataSet rows, boolean borrowed) {

        static final Part NONE = new Part(null, false);

        /** The same with rows that stay valid: copied if borrowed. */
        Part kept() {
            return borrowed && rows != null ? new Part(Rows.copy(rows), false) : this;
        }
    }

    Share {
        parts = List.copyOf(parts);
    }

    /** A share of data that only this rank reads. */
    static Share own(@Nullable MultiDataSet rows, boolean borrowed) {
        return new Share(List.of(new Part(rows, borrowed)), false, 0, 0, List.of());
    }

    /** The end of the data of a number of seats. */
    static Share end(int seats, long fingerprint, long mark) {
        return new Share(Collections.nCopies(seats, Part.NONE), true, fingerprint, mark, List.of());
    }

    /** The rows of the only rank of a process that holds one; null if it has none. */
    @Nullable MultiDataSet rows() {
        return rows(0);
    }

    /** The rows of a seat; null if it has none. */
    @Nullable MultiDataSet rows(int seat) {
        return parts.get(seat).rows();
    }

    /** This share, of a process with one rank, with other rows. */
    Share withRows(@Nullable MultiDataSet other, boolean otherBorrowed) {
        return new Share(List.of(new Part(other, otherBorrowed)), ended, fingerprint, mark, reads);
    }

    /** The end marker that follows the last share. */
    Share end() {
        return end(parts.size(), fingerprint, mark);
    }

    /** This share with rows that stay valid: copied if borrowed. */
    Share kept() {
        return parts.stream().noneMatch(Part::borrowed)
                ? this
                : new Share(parts.stream().map(Part::kept).toList(), ended, fingerprint, mark, reads);
    }
}
