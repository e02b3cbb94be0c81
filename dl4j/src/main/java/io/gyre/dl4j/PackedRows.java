package io.gyre.dl4j;

import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Rows of a batch as bytes, for another rank: features, labels and masks, of any type of fixed width.
 *
 * <p>First a table of longs: for each of the four groups the number of its arrays, or -1 if there is none; for each
 * array its type and its rank, or -1 if it is absent, and its shape. Then the values of each array in row-major order,
 * from a multiple of 8 bytes on.
 */
final class PackedRows {

    private static final long ABSENT = -1;
    private static final int GROUPS = 4;

    /** Of ND4J. */
    private static final int MAX_RANK = 32;

    private PackedRows() {}

    /**
     * Length of some rows of a batch, in bytes; a multiple of 8.
     *
     * @param rows how many
     */
    static long length(MultiDataSet batch, long rows) {
        long bytes = (long) tableLongs(batch) * Long.BYTES;
        for (int group = 0; group < GROUPS; group++) {
            @Nullable INDArray[] arrays = group(batch, group);
            for (int i = 0; arrays != null && i < arrays.length; i++) {
                INDArray array = arrays[i];
                if (array != null && !array.isEmpty()) {
                    bytes += padded(array.length() / array.size(0) * rows * width(array));
                }
            }
        }
        return bytes;
    }

    /**
     * Writes the rows from {@code from} to before {@code to}. All arrays of the batch have as many rows.
     *
     * @param target of {@link #length}
     */
    static void write(MultiDataSet batch, long from, long to, Region target) {
        int tableBytes = tableLongs(batch) * Long.BYTES;
        ByteBuffer bytes = ByteBuffer.allocate(tableBytes).order(ByteOrder.nativeOrder());
        LongBuffer table = bytes.asLongBuffer();
        long at = tableBytes;
        for (int group = 0; group < GROUPS; group++) {
            @Nullable INDArray[] arrays = group(batch, group);
            table.put(arrays == null ? ABSENT : arrays.length);
            for (int i = 0; arrays != null && i < arrays.length; i++) {
                INDArray array = arrays[i];
                if (array == null) {
                    table.put(ABSENT);
                    continue;
                }
                boolean empty = array.isEmpty();
                table.put(array.dataType().toInt()).put(array.rank());
                for (int dimension = 0; dimension < array.rank(); dimension++) {
                    table.put(dimension == 0 && !empty ? to - from : array.size(dimension));
                }
                if (!empty) {
                    at += padded(copy(array, from, to, target, at));
                }
            }
        }
        target.copyFrom(0, bytes, 0, tableBytes);
    }

    private static long copy(INDArray array, long from, long to, Region target, long at) {
        long rowBytes = array.length() / array.size(0) * width(array);
        boolean isDense = Fingerprint.isDense(array);
        INDArray dense = isDense ? array : Rows.rows(array, from, to);
        try {
            target.copyFrom(at, HostMemory.bytes(dense), isDense ? from * rowBytes : 0, (to - from) * rowBytes);
        } finally {
            // ND4J frees an array's memory once the array is unreachable, even while it is read.
            Reference.reachabilityFence(dense);
        }
        return (to - from) * rowBytes;
    }

    /**
     * Reads what {@link #write} has written into new arrays, outside of any workspace.
     *
     * @throws ProtocolException if it is something else; nothing is allocated then
     */
    static MultiDataSet read(Region source) {
        long tableBytes = new Reader(source, 0).check();
        Reader reader = new Reader(source, tableBytes);
        return Rows.outOfWorkspaces(() -> new org.nd4j.linalg.dataset.MultiDataSet(
                reader.group(), reader.group(), reader.group(), reader.group()));
    }

    /** Reads the table, once to check it and to find its end, and once to make arrays. */
    private static final class Reader {

        private final Region source;
        private final ByteBuffer number = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        private long inTable;
        private long at;

        /**
         * Begins at the table.
         *
         * @param at where the values begin
         */
        Reader(Region source, long at) {
            this.source = source;
            this.at = at;
        }

        /** Fails unless table and values fill the source; returns the length of the table. */
        long check() {
            long values = 0;
            for (int group = 0; group < GROUPS; group++) {
                for (long i = next(ABSENT, source.byteLength()); i > 0; i--) {
                    long type = next(ABSENT, Integer.MAX_VALUE);
                    if (type != ABSENT) {
                        values += padded(valueBytes(type(type)));
                    }
                }
            }
            if (inTable + values != source.byteLength()) {
                throw new ProtocolException("rows of " + source.byteLength() + " bytes with a table of " + inTable
                        + " and values of " + values);
            }
            return inTable;
        }

        private long valueBytes(DataType type) {
            long bytes = type.width();
            boolean empty = false;
            for (long dimensions = next(1, MAX_RANK); dimensions > 0; dimensions--) {
                long size = next(0, Integer.MAX_VALUE);
                empty |= size == 0;
                bytes = Math.min(source.byteLength() + 1, bytes * Math.max(1, size));
            }
            return empty ? 0 : bytes;
        }

        private static DataType type(long code) {
            for (DataType type : DataType.values()) {
                if (hasFixedWidth(type) && type.toInt() == code) {
                    return type;
                }
            }
            throw new ProtocolException("rows with an array of unknown type " + code);
        }

        private long next(long least, long most) {
            if (inTable > source.byteLength() - Long.BYTES) {
                throw new ProtocolException("rows that end after " + source.byteLength() + " bytes, in their table");
            }
            source.copyTo(inTable, number, 0, Long.BYTES);
            inTable += Long.BYTES;
            long next = number.getLong(0);
            if (next < least || next > most) {
                throw new ProtocolException("rows with " + next + " at " + (inTable - Long.BYTES) + ", where " + least
                        + " to " + most + " can be");
            }
            return next;
        }

        private long next() {
            return next(ABSENT, Long.MAX_VALUE);
        }

        @Nullable INDArray @Nullable [] group() {
            long count = next();
            if (count == ABSENT) {
                return null;
            }
            @Nullable INDArray[] arrays = new INDArray[Math.toIntExact(count)];
            for (int i = 0; i < arrays.length; i++) {
                long type = next();
                arrays[i] = type == ABSENT ? null : array(type(type));
            }
            return arrays;
        }

        private INDArray array(DataType type) {
            long[] shape = new long[(int) next()];
            for (int dimension = 0; dimension < shape.length; dimension++) {
                shape[dimension] = next();
            }
            INDArray array = Nd4j.createUninitializedDetached(type, 'c', shape);
            if (!array.isEmpty()) {
                Region values = HostMemory.bytes(array);
                values.copyFrom(0, source, at, values.byteLength());
                HostMemory.endUse(array);
                at += padded(values.byteLength());
            }
            return array;
        }
    }

    private static int tableLongs(MultiDataSet batch) {
        int longs = GROUPS;
        for (int group = 0; group < GROUPS; group++) {
            @Nullable INDArray[] arrays = group(batch, group);
            for (int i = 0; arrays != null && i < arrays.length; i++) {
                INDArray array = arrays[i];
                longs += array == null ? 1 : 2 + array.rank();
            }
        }
        return longs;
    }

    private static @Nullable INDArray @Nullable [] group(MultiDataSet batch, int group) {
        return switch (group) {
            case 0 -> batch.getFeatures();
            case 1 -> batch.getLabels();
            case 2 -> batch.getFeaturesMaskArrays();
            default -> batch.getLabelsMaskArrays();
        };
    }

    private static int width(INDArray array) {
        DataType type = array.dataType();
        if (!hasFixedWidth(type)) {
            throw new IllegalArgumentException(
                    "an array of type " + type + " cannot be sent to another rank: its elements have no fixed width");
        }
        return type.width();
    }

    private static boolean hasFixedWidth(DataType type) {
        return type != DataType.UTF8 && type != DataType.COMPRESSED && type != DataType.UNKNOWN;
    }

    private static long padded(long bytes) {
        return (bytes + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
    }
}
