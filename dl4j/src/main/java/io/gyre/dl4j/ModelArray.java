package io.gyre.dl4j;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.shape.options.ArrayOptionsHelper;

/**
 * The header of an array as {@code Nd4j.write} writes it since version 1.0.0-beta4: shape information (rank, shape,
 * strides, data type, element-wise stride, order), then the values, each with how they were allocated, how many, and of
 * which type. {@code Nd4j.read} allocates what it claims, and native code reads where its strides point.
 *
 * @param type of the values
 * @param length number of values, at least 1
 */
record ModelArray(DataType type, long length) {

    private static final String ALLOCATION = DataBuffer.AllocationMode.MIXED_DATA_TYPES.name();
    private static final String SHAPE_TYPE = "LONG";
    private static final int MAX_RANK = 32;

    /** What shape information has besides shape and strides: rank, options, element-wise stride, order. */
    private static final int OTHER_WORDS = 4;

    /**
     * Reads an array to its end, without keeping it.
     *
     * @param name for the error
     * @throws IOException if it claims more or other values than there are
     */
    static ModelArray check(InputStream content, String name) throws IOException {
        DataInputStream in = new DataInputStream(content);
        try {
            long words = header(in, name);
            if (words < OTHER_WORDS || words > 2L * MAX_RANK + OTHER_WORDS || words % 2 != 0) {
                throw refused(name, "shape information of " + words + " words");
            }
            long[] shapeInfo = new long[(int) words];
            for (int i = 0; i < words; i++) {
                shapeInfo[i] = in.readLong();
            }
            checkAllocation(in, name);
            long length = in.readLong();
            DataType type = type(in.readUTF(), name);
            checkShape(shapeInfo, type, length, name);
            in.skipNBytes(Math.multiplyExact(length, (long) type.width()));
            return new ModelArray(type, length);
        } catch (EOFException e) {
            throw refused(name, "fewer bytes than its header announces");
        } catch (ArithmeticException e) {
            throw refused(name, "a shape whose product has more than 63 bits");
        }
    }

    /** Returns the length of the shape information that follows. */
    private static long header(DataInputStream in, String name) throws IOException {
        checkAllocation(in, name);
        long length = in.readLong();
        if (!in.readUTF().equals(SHAPE_TYPE)) {
            throw refused(name, "shape information of another type than " + SHAPE_TYPE);
        }
        return length;
    }

    private static void checkAllocation(DataInputStream in, String name) throws IOException {
        if (!in.readUTF().equals(ALLOCATION)) {
            throw refused(name, "a format of before Deeplearning4j 1.0.0-beta4, or none: save it with a newer version");
        }
    }

    private static DataType type(String name, String array) throws IOException {
        for (DataType type : DataType.values()) {
            if (type.isFPType() && type.name().equals(name)) {
                return type;
            }
        }
        throw refused(array, "values that are no floating-point numbers");
    }

    private static void checkShape(long[] info, DataType type, long length, String name) throws IOException {
        int rank = (info.length - OTHER_WORDS) / 2;
        if (info[0] != rank) {
            throw refused(name, "a rank of " + info[0] + " in shape information for a rank of " + rank);
        }
        long product = 1;
        long last = 0;
        for (int i = 1; i <= rank; i++) {
            long size = info[i];
            long stride = info[rank + i];
            if (size < 1 || stride < 1) {
                throw refused(name, "a dimension of " + size + " values with a stride of " + stride);
            }
            product = Math.multiplyExact(product, size);
            last = Math.addExact(last, Math.multiplyExact(size - 1, stride));
        }
        if (product != length || last != length - 1) {
            throw refused(
                    name,
                    "a shape of " + product + " values, the last at " + last + ", and " + length + " values behind it");
        }
        long options = info[info.length - 3];
        long elementStride = info[info.length - 2];
        long order = info[info.length - 1];
        boolean dense = elementStride == 1 && (order == 'c' || order == 'f');
        if (!dense || options != ArrayOptionsHelper.setOptionBit(0, type)) {
            throw refused(
                    name,
                    "options " + options + ", element-wise stride " + elementStride + " and order " + order
                            + " in its shape information, which a dense array of " + type + " does not have");
        }
    }

    private static IOException refused(String name, String what) {
        return new IOException("its " + name + " has " + what);
    }
}
