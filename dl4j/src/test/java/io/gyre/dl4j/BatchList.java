package io.gyre.dl4j;

import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** Batches in memory, as an iterator that may be read by another thread. */
final class BatchList implements MultiDataSetIterator {

    private final List<? extends MultiDataSet> batches;
    private Iterator<? extends MultiDataSet> iterator;
    private @Nullable MultiDataSetPreProcessor preProcessor;

    BatchList(List<? extends MultiDataSet> batches) {
        this.batches = batches;
        iterator = batches.iterator();
    }

    @Override
    public MultiDataSet next(int rows) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return true;
    }

    @Override
    public void reset() {
        iterator = batches.iterator();
    }

    @Override
    public boolean hasNext() {
        return iterator.hasNext();
    }

    @Override
    public MultiDataSet next() {
        MultiDataSet next = iterator.next();
        if (preProcessor != null) {
            next = next.copy();
            preProcessor.preProcess(next);
        }
        return next;
    }
}
