package io.gyre.spark;

import io.gyre.GyreException;
import io.gyre.spark.Columns.ImageSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Turns a frame's rows into batches. Checks the schema when it is made, in the driver, and every value on the way. */
final class RowBatches implements ToBatches<Row> {

    private static final long serialVersionUID = 1;

    private final Columns columns;
    private final int batch;
    private final NumberColumn[] features;
    private final @Nullable ImageColumn image;
    private final NumberColumn[] labels;

    /**
     * Checks the columns against the frame's.
     *
     * @throws IllegalArgumentException if one is missing or has a type that cannot be used
     */
    RowBatches(Columns columns, StructType schema, int batch) {
        this.columns = columns;
        this.batch = batch;
        if (columns.labels().isEmpty()) {
            throw new IllegalArgumentException("the columns have no label: call label or labels");
        }
        ImageSize size = columns.image();
        image = size == null ? null : ImageColumn.of(columns.features().get(0), size, schema);
        features = size == null ? numbers(columns.features(), schema) : new NumberColumn[0];
        labels = numbers(columns.labels(), schema);
    }

    private static NumberColumn[] numbers(List<String> names, StructType schema) {
        return names.stream().map(name -> NumberColumn.of(name, schema)).toArray(NumberColumn[]::new);
    }

    @Override
    public Iterator<org.nd4j.linalg.dataset.api.MultiDataSet> apply(Iterator<Row> rows, int rank) {
        return new Iterator<>() {
            private long row;
            private int featureLength = -1;
            private int labelLength = -1;

            @Override
            public boolean hasNext() {
                return rows.hasNext();
            }

            @Override
            public org.nd4j.linalg.dataset.api.MultiDataSet next() {
                List<float[]> inputs = new ArrayList<>();
                List<float[]> outputs = new ArrayList<>();
                while (inputs.size() < batch && rows.hasNext()) {
                    Row next = rows.next();
                    float[] input = example(next);
                    float[] output = label(next);
                    featureLength = same("features", featureLength, input.length);
                    labelLength = same("labels", labelLength, output.length);
                    inputs.add(input);
                    outputs.add(output);
                    row++;
                }
                return new MultiDataSet(shaped(inputs), matrix(outputs));
            }

            private float[] example(Row next) {
                try {
                    return image == null ? NumberColumn.read(features, next) : image.read(next);
                } catch (IllegalArgumentException e) {
                    throw bad(e.getMessage());
                }
            }

            private float[] label(Row next) {
                float[] values;
                try {
                    values = NumberColumn.read(labels, next);
                } catch (IllegalArgumentException e) {
                    throw bad(e.getMessage());
                }
                return columns.classes() == 0 ? values : oneHot(values);
            }

            private float[] oneHot(float[] values) {
                float value = values[0];
                if (values.length != 1 || value != Math.rint(value) || value < 0 || value >= columns.classes()) {
                    throw bad("column " + columns.labels().get(0) + " is " + Arrays.toString(values)
                            + ", no class from 0 to " + (columns.classes() - 1));
                }
                float[] hot = new float[columns.classes()];
                hot[(int) value] = 1;
                return hot;
            }

            private int same(String what, int before, int now) {
                if (before >= 0 && before != now) {
                    throw bad("it has " + now + " numbers as " + what + ", and those before it have " + before);
                }
                return now;
            }

            private GyreException bad(@Nullable String reason) {
                return new GyreException("row " + row + " of partition " + rank + ": " + reason);
            }
        };
    }

    private INDArray shaped(List<float[]> rows) {
        INDArray matrix = matrix(rows);
        ImageSize size = columns.image();
        return size == null ? matrix : matrix.reshape('c', rows.size(), size.channels(), size.height(), size.width());
    }

    private static INDArray matrix(List<float[]> rows) {
        int length = rows.get(0).length;
        float[] all = new float[Math.multiplyExact(rows.size(), length)];
        for (int i = 0; i < rows.size(); i++) {
            System.arraycopy(rows.get(i), 0, all, i * length, length);
        }
        return Nd4j.create(all, new long[] {rows.size(), length}, 'c').castTo(DataType.FLOAT);
    }
}
