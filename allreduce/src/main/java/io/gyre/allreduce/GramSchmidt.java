package io.gyre.allreduce;

import java.util.Arrays;

/**
 * Makes columns orthonormal, from the first to the last, in double precision and a fixed order: the same bits on every
 * processor and JVM. A column that depends on those before it, but for rounding errors, becomes zero.
 *
 * <p>The modified Gram-Schmidt process, twice: Björck, <i>Numerics of Gram-Schmidt orthogonalization</i>, 1994.
 */
final class GramSchmidt {

    /** Square of the part of a column's length that is more than the rounding of floats. */
    private static final double LEAST = 1e-10;

    private final double[] column;

    GramSchmidt(int rows) {
        column = new double[rows];
    }

    /** Replaces columns, which lie one after the other. */
    void run(float[] columns, int count) {
        int rows = column.length;
        for (int k = 0; k < count; k++) {
            for (int i = 0; i < rows; i++) {
                column[i] = columns[k * rows + i];
            }
            double before = squaredLength();
            for (int j = 0; j < 2 * k; j++) {
                subtractProjection(columns, j % k * rows);
            }
            double after = squaredLength();
            if (after > before * LEAST) {
                double length = Math.sqrt(after);
                for (int i = 0; i < rows; i++) {
                    columns[k * rows + i] = (float) (column[i] / length);
                }
            } else {
                Arrays.fill(columns, k * rows, (k + 1) * rows, 0);
            }
        }
    }

    private void subtractProjection(float[] columns, int at) {
        double product = 0;
        for (int i = 0; i < column.length; i++) {
            product += columns[at + i] * column[i];
        }
        for (int i = 0; i < column.length; i++) {
            column[i] -= product * columns[at + i];
        }
    }

    private double squaredLength() {
        double sum = 0;
        for (double value : column) {
            sum += value * value;
        }
        return sum;
    }
}
