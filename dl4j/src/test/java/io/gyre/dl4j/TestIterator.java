package io.gyre.dl4j;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * What the iterators of the tests have in common: they may be read by another thread, and by whole batches only. Unless
 * they say otherwise, they can be reset, take no pre-processor, and do not know the size of their batches.
 */
abstract class TestIterator implements DataSetIterator {

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public int inputColumns() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int totalOutcomes() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int batch() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void setPreProcessor(@Nullable DataSetPreProcessor value) {
        throw new UnsupportedOperationException();
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
        return null;
    }

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
