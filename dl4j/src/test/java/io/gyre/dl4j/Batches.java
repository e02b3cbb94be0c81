package io.gyre.dl4j;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;

/** An iterator over copies of batches that counts them, and misbehaves as a test requests. */
final class Batches extends TestIterator {

    private final List<DataSet> batches;
    private final Reset reset;
    private @Nullable DataSetPreProcessor preProcessor;
    private @Nullable DataSet reused;
    private boolean reuses;
    private boolean loses;
    private int end;
    private int at;
    private final AtomicInteger given = new AtomicInteger();

    /** What a call of {@code reset} does. */
    enum Reset {
        BEGINS_ANEW,
        UNSUPPORTED,
        /** Says that it is supported. */
        DOES_NOTHING,
        /** Says that it is supported. */
        FAILS
    }

    Batches(List<DataSet> batches) {
        this(batches, Reset.BEGINS_ANEW);
    }

    Batches(List<DataSet> batches, Reset reset) {
        this.batches = batches;
        this.reset = reset;
        end = batches.size();
    }

    /** Returns the same arrays again and again, with the size of the first batch and new values. */
    Batches reusingArrays() {
        reuses = true;
        return this;
    }

    /** Ends one batch earlier after each reset that follows a read. */
    Batches losingABatchAtReset() {
        loses = true;
        return this;
    }

    /** Number of batches returned so far. */
    int given() {
        return given.get();
    }

    @Override
    public boolean hasNext() {
        return at < end;
    }

    @Override
    public DataSet next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        DataSet next = batches.get(at++);
        given.incrementAndGet();
        if (!reuses) {
            next = next.copy();
        } else {
            reused = reused == null ? next.copy() : reused;
            reused.getFeatures().assign(next.getFeatures());
            reused.getLabels().assign(next.getLabels());
            next = reused;
        }
        if (preProcessor != null) {
            preProcessor.preProcess(next);
        }
        return next;
    }

    @Override
    public void reset() {
        switch (reset) {
            case BEGINS_ANEW -> {
                end -= loses && at > 0 ? 1 : 0;
                at = 0;
            }
            case DOES_NOTHING -> {}
            case UNSUPPORTED, FAILS -> throw new UnsupportedOperationException("no reset");
        }
    }

    @Override
    public boolean resetSupported() {
        return reset != Reset.UNSUPPORTED;
    }

    @Override
    public int inputColumns() {
        return batches.get(0).numInputs();
    }

    @Override
    public int totalOutcomes() {
        return batches.get(0).numOutcomes();
    }

    @Override
    public int batch() {
        return batches.get(0).numExamples();
    }

    @Override
    public void setPreProcessor(@Nullable DataSetPreProcessor value) {
        preProcessor = value;
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
