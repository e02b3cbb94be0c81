package io.gyre.dl4j;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** What the iterators of the tests have in common: they may be read by another thread, and by whole batches only. */
abstract class TestIterator implements DataSetIterator {

    @Override
    public final boolean asyncSupported() {
        return true;
    }

    @Override
    public final DataSet next(int rows) {
        throw new UnsupportedOperationException();
    }

    @Override
    public final @Nullable List<String> getLabels() {
        return null;
    }
}
