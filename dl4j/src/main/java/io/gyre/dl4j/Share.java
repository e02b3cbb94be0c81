package io.gyre.dl4j;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * One rank's part of a global batch.
 *
 * @param rows null if there is nothing for this rank in it
 * @param borrowed whether the rows are valid only until their source is asked for more
 * @param ended whether this rank's data have ended
 * @param fingerprint of what this rank has read so far and all ranks read alike, see {@link Fingerprint}; 0 if each
 *     has its own
 * @param mark tells these data from others of the same description, when a pass begins after this share; 0 for nothing
 *     to tell
 * @param reads what was read since the share before, of what all ranks read alike
 */
record Share(
        @Nullable MultiDataSet rows, boolean borrowed, boolean ended, long fingerprint, long mark, List<Read> reads) {

    /** Of data that only this rank reads. */
    static Share own(@Nullable MultiDataSet rows, boolean borrowed) {
        return new Share(rows, borrowed, false, 0, 0, List.of());
    }

    /** What comes after the last share. */
    Share end() {
        return new Share(null, false, true, fingerprint, mark, List.of());
    }

    /** With rows that stay valid: copied, if they are borrowed. */
    Share kept() {
        return borrowed && rows != null ? new Share(Rows.copy(rows), false, ended, fingerprint, mark, reads) : this;
    }
}
