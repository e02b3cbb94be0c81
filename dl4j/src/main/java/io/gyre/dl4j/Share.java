package io.gyre.dl4j;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * One rank's part of a global batch.
 *
 * @param rows null if this rank has none
 * @param borrowed whether the rows are valid only until the next read of their source
 * @param ended whether this rank's data have ended
 * @param fingerprint of what this rank has read so far that all ranks read alike, see {@link Fingerprint}; 0 if each
 *     rank has its own data
 * @param mark distinguishes these data from others with the same description when a pass begins after this share; 0 for
 *     none
 * @param reads what was read since the previous share that all ranks read alike
 */
record Share(
        @Nullable MultiDataSet rows, boolean borrowed, boolean ended, long fingerprint, long mark, List<Read> reads) {

    /** A share of data that only this rank reads. */
    static Share own(@Nullable MultiDataSet rows, boolean borrowed) {
        return new Share(rows, borrowed, false, 0, 0, List.of());
    }

    /** This share with other rows. */
    Share withRows(@Nullable MultiDataSet other, boolean otherBorrowed) {
        return new Share(other, otherBorrowed, ended, fingerprint, mark, reads);
    }

    /** The end marker that follows the last share. */
    Share end() {
        return new Share(null, false, true, fingerprint, mark, List.of());
    }

    /** This share with rows that stay valid: copied if borrowed. */
    Share kept() {
        return borrowed && rows != null ? new Share(Rows.copy(rows), false, ended, fingerprint, mark, reads) : this;
    }
}
