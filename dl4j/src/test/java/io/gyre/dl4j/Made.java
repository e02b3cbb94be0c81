package io.gyre.dl4j;

import java.util.function.IntFunction;
import org.nd4j.linalg.dataset.DataSet;

/** An iterator that creates its batches on demand, as a record reader does. */
final class Made extends TestIterator {

    private final int batches;
    private final IntFunction<DataSet> maker;
    private int at;

    /**
     * Creates one.
     *
     * @param maker makes a batch of a number from 0
     */
    Made(int batches, IntFunction<DataSet> maker) {
        this.batches = batches;
        this.maker = maker;
    }

    @Override
    public boolean hasNext() {
        return at < batches;
    }

    @Override
    public DataSet next() {
        return maker.apply(at++);
    }

    @Override
    public void reset() {
        at = 0;
    }
}
