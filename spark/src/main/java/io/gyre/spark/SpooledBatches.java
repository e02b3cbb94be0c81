package io.gyre.spark;

import io.gyre.GyreException;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * One rank's data as batches in a file of its own, in its {@link ScratchDirectory}: Spark gives a task its
 * partition once, and training reads it in every epoch. One batch is in memory while it is written or read.
 *
 * <p>Every batch but the last has the same number of examples, whatever the sizes of the data sets in the partition.
 */
final class SpooledBatches implements MultiDataSetIterator, AutoCloseable {

    private static final long serialVersionUID = 1;
    private static final int BUFFER_BYTES = 1 << 20;

    private final transient Path file;
    private final long batches;
    private transient @Nullable DataInputStream in;
    private transient @Nullable MultiDataSetPreProcessor preProcessor;
    private long read;

    private SpooledBatches(Path file, long batches) {
        this.file = file;
        this.batches = batches;
    }

    /**
     * Writes the partition to a file.
     *
     * @param data any numbers of examples each
     * @param batch examples of a batch
     * @param directory for the file
     */
    static SpooledBatches write(Iterator<? extends MultiDataSet> data, int batch, Path directory) throws IOException {
        Path file = Files.createTempFile(directory, "partition-", ".batches");
        long batches = 0;
        try (DataOutputStream out =
                new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), BUFFER_BYTES))) {
            List<MultiDataSet> pending = new ArrayList<>();
            while (data.hasNext()) {
                MultiDataSet next = data.next();
                long examples = next.getFeatures(0).size(0);
                if (pending.isEmpty() && examples == batch) {
                    write(next, out);
                    batches++;
                    continue;
                }
                for (MultiDataSet example : examples == 1 ? List.of(next) : next.asList()) {
                    pending.add(example);
                    if (pending.size() == batch) {
                        write(merged(pending), out);
                        batches++;
                        pending.clear();
                    }
                }
            }
            if (!pending.isEmpty()) {
                write(merged(pending), out);
                batches++;
            }
        }
        return new SpooledBatches(file, batches);
    }

    private static MultiDataSet merged(List<MultiDataSet> examples) {
        try {
            return org.nd4j.linalg.dataset.MultiDataSet.merge(examples);
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw new GyreException(
                    "the data sets of a partition have different shapes, and make no batch of " + examples.size() + ": "
                            + e.getMessage(),
                    e);
        }
    }

    /** ND4J's own reader takes more from a stream than it wrote to it: each batch has its length in front. */
    private static void write(MultiDataSet batch, DataOutputStream out) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        batch.save(bytes);
        out.writeInt(bytes.size());
        bytes.writeTo(out);
    }

    /** Number of batches in an epoch. */
    long batches() {
        return batches;
    }

    @Override
    public boolean hasNext() {
        return read < batches;
    }

    @Override
    public MultiDataSet next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the partition has ended");
        }
        try {
            DataInputStream open = in;
            if (open == null) {
                open = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES));
                in = open;
            }
            MultiDataSet batch = new org.nd4j.linalg.dataset.MultiDataSet();
            batch.load(new ByteArrayInputStream(open.readNBytes(open.readInt())));
            read++;
            if (preProcessor != null) {
                preProcessor.preProcess(batch);
            }
            return batch;
        } catch (IOException e) {
            throw new UncheckedIOException("this rank's partition cannot be read again from " + file, e);
        }
    }

    @Override
    public MultiDataSet next(int examples) {
        throw new UnsupportedOperationException("batches have the size with which they were written");
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor value) {
        preProcessor = value;
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
        read = 0;
        closeStream();
    }

    private void closeStream() {
        DataInputStream open = in;
        in = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot close " + file, e);
            }
        }
    }

    /** Removes the file. A second call does nothing. */
    @Override
    public void close() {
        closeStream();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot remove " + file, e);
        }
    }
}
