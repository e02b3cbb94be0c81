package io.gyre.allreduce;

/**
 * A part of a vector that is a matrix, row by row.
 *
 * @param offset of its first element in the vector, in elements
 * @param rows 1 or more
 * @param columns 1 or more: the length of a row
 */
public record WeightMatrix(long offset, int rows, int columns) {

    public WeightMatrix {
        if (offset < 0 || rows < 1 || columns < 1) {
            throw new IllegalArgumentException(
                    "a matrix of " + rows + " x " + columns + " at element " + offset + " is none");
        }
    }

    /** Number of elements. */
    public long length() {
        return (long) rows * columns;
    }

    /** Elements of its two factors, of so many columns each. */
    long factorLength(int width) {
        return (long) width * ((long) rows + columns);
    }
}
