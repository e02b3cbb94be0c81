package io.gyre.dl4j;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * One rank's part of a global batch.
 *
 * @param rows null if there is nothing for this rank in it
 */
record Share(@Nullable MultiDataSet rows) {

    static final Share EMPTY = new Share(null);
}
