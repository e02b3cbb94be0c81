package io.gyre.spark;

import java.io.Serializable;
import java.util.Arrays;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A column of numbers: one number, an array or a vector in each row.
 *
 * @param index in the row
 */
record NumberColumn(String name, int index) implements Serializable {

    /** What the type of MLlib's vectors calls itself; the type belongs to a library that may be missing. */
    private static final String VECTOR = "vector";

    /**
     * Finds a column.
     *
     * @throws IllegalArgumentException with the columns there are, or the type
     */
    static NumberColumn of(String name, StructType schema) {
        int index = indexOf(name, schema);
        DataType type = schema.apply(index).dataType();
        boolean usable = type instanceof NumericType
                || type instanceof BooleanType
                || type.typeName().equals(VECTOR)
                || (type instanceof ArrayType array && array.elementType() instanceof NumericType);
        if (!usable) {
            throw new IllegalArgumentException("column " + name + " is of type " + type.simpleString()
                    + ": expected a number, a boolean, an array of numbers or a vector");
        }
        return new NumberColumn(name, index);
    }

    static int indexOf(String name, StructType schema) {
        int index = Arrays.asList(schema.fieldNames()).indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException(
                    "there is no column " + name + ": the frame has " + String.join(", ", schema.fieldNames()));
        }
        return index;
    }

    /**
     * Reads the numbers of several columns.
     *
     * @throws IllegalArgumentException with the column and the value, if one is null, not a number, or not finite
     */
    static float[] read(NumberColumn[] columns, Row row) {
        float[][] parts = new float[columns.length][];
        int length = 0;
        for (int i = 0; i < columns.length; i++) {
            parts[i] = columns[i].read(row.get(columns[i].index));
            length += parts[i].length;
        }
        if (parts.length == 1) {
            return parts[0];
        }
        float[] all = new float[length];
        int end = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, end, part.length);
            end += part.length;
        }
        return all;
    }

    private float[] read(@Nullable Object value) {
        if (value instanceof Number number) {
            return new float[] {finite(number)};
        }
        if (value instanceof Boolean flag) {
            return new float[] {flag ? 1 : 0};
        }
        if (value instanceof Vector vector) {
            double[] numbers = vector.toArray();
            float[] all = new float[numbers.length];
            for (int i = 0; i < all.length; i++) {
                all[i] = finite(numbers[i]);
            }
            return all;
        }
        if (value instanceof scala.collection.Seq<?> sequence) {
            float[] all = new float[sequence.length()];
            int i = 0;
            for (Object number : CollectionConverters.asJava(sequence)) {
                all[i++] = finite(number);
            }
            return all;
        }
        throw bad(value);
    }

    private float finite(@Nullable Object value) {
        if (value instanceof Number number && Float.isFinite(number.floatValue())) {
            return number.floatValue();
        }
        throw bad(value);
    }

    private IllegalArgumentException bad(@Nullable Object value) {
        return new IllegalArgumentException(
                "column " + name + " is " + value + ": drop such rows, or fill them, before training");
    }
}
