package io.gyre.dl4j;

import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** A batch that a program gives to {@code fit}, as an iterator: a step of its own, which belongs to no epoch. */
final class SingleBatch implements MultiDataSetIterator {

    private final MultiDataSet batch;
    private boolean taken;

    SingleBatch(MultiDataSet batch) {
        this.batch = batch;
    }

    @Override
    public boolean hasNext() {
        return !taken;
    }

    @Override
    public MultiDataSet next() {
        if (taken) {
            throw new NoSuchElementException();
        }
        taken = true;
        return batch;
    }

    @Override
    public MultiDataSet next(int rows) {
        throw new UnsupportedOperationException("a single batch is used as a whole");
    }

    @Override
    public void reset() {
        taken = false;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    /** It is in memory already. */
    @Override
    public boolean asyncSupported() {
        return false;
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
        throw new UnsupportedOperationException("a single batch is used as it is");
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return null;
    }
}
