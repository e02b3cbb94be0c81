package io.gyre.allreduce;

import io.gyre.memory.Region;
import java.util.Arrays;

/**
 * One matrix of gradients, and this rank's part in its factors. With M this rank's gradients and its residual:
 *
 * <ol>
 *   <li>{@link #project}: P = M Q, for the Q with which the step begins; ranks add up their P.
 *   <li>{@link #keepError}: P is made orthonormal; Q = Mᵀ P; the residual becomes M - P Qᵀ; ranks add up their Q.
 *   <li>{@link #restore}: the gradients become P Qᵀ; the columns of Q, with length 1, begin the next step.
 * </ol>
 *
 * <p>Sums are taken in a fixed order, so that all ranks get the same bits from the same sums. A rank whose gradients
 * are all zero sends nothing, and keeps its residual: it may have no examples. If the sum of P is not finite, neither
 * are the gradients, and nothing that is kept changes. A column of Q that is zero, since P depends on fewer, would stay
 * so: it is drawn anew.
 */
final class LowRankMatrix {

    private static final int CHUNK = FloatCopies.CHUNK;

    private final PowerSgd state;
    private final WeightMatrix matrix;
    private final int width;
    private final Region start;
    private final int rows;
    private final int columns;
    /** The factors, column after column. */
    private final float[] left;

    private final float[] right;
    private final GramSchmidt orthonormal;
    private boolean withheld;
    private boolean finite;

    private enum Pass {
        PROJECT,
        TRANSPOSED,
        ERROR,
        RESTORE
    }

    /**
     * Creates it.
     *
     * @param start what {@link PowerSgd#start} has for it
     */
    LowRankMatrix(PowerSgd state, WeightMatrix matrix, int width, Region start) {
        this.state = state;
        this.matrix = matrix;
        this.width = width;
        this.start = start;
        rows = matrix.rows();
        columns = matrix.columns();
        left = new float[Math.multiplyExact(rows, width)];
        right = new float[Math.multiplyExact(columns, width)];
        orthonormal = new GramSchmidt(rows);
    }

    WeightMatrix matrix() {
        return matrix;
    }

    /** Elements of P. */
    int leftLength() {
        return left.length;
    }

    /** Elements of Q. */
    int rightLength() {
        return right.length;
    }

    /**
     * Computes this rank's P. Its gradients and residual are in the place of the gradients afterwards.
     *
     * @param at where the matrix begins in the memory, in bytes
     * @param into receives P
     */
    void project(Region gradients, long at, FloatCopies copies, Region into, long intoAt) {
        copies.read(start, 0, right, right.length);
        Arrays.fill(left, 0);
        withheld = true;
        walk(Pass.PROJECT, gradients, at, copies);
        if (withheld) {
            Arrays.fill(left, 0);
        }
        copies.write(left, into, intoAt, left.length);
    }

    /**
     * Takes the sum of P, computes this rank's Q, and keeps what both lose.
     *
     * @param sums hold the sum of P
     * @param into receives Q
     */
    void keepError(Region sums, long sumsAt, Region gradients, long at, FloatCopies copies, Region into, long intoAt) {
        copies.read(sums, sumsAt, left, left.length);
        finite = isFinite(left);
        Arrays.fill(right, 0);
        if (finite) {
            orthonormal.run(left, width);
            if (!withheld) {
                walk(Pass.TRANSPOSED, gradients, at, copies);
                walk(Pass.ERROR, gradients, at, copies);
            }
        }
        copies.write(right, into, intoAt, right.length);
    }

    /**
     * Takes the sum of Q, and makes the gradients the product.
     *
     * @param sums hold the sum of Q
     */
    void restore(Region sums, long sumsAt, Region gradients, long at, FloatCopies copies, long step) {
        if (finite) {
            copies.read(sums, sumsAt, right, right.length);
        } else {
            Arrays.fill(left, Float.NaN);
        }
        walk(Pass.RESTORE, gradients, at, copies);
        if (finite) {
            beginNext(step);
            copies.write(right, start, 0, right.length);
        }
    }

    private static boolean isFinite(float[] values) {
        // Zero unless a value is not finite: the compiler vectorises no early exit.
        float none = 0;
        for (float value : values) {
            none += value * 0;
        }
        return none == 0;
    }

    /** The length of a column makes no difference to the next step, but it would overflow. */
    private void beginNext(long step) {
        for (int k = 0; k < width; k++) {
            double square = 0;
            for (int i = k * columns; i < (k + 1) * columns; i++) {
                square += (double) right[i] * right[i];
            }
            double scale = 1 / Math.sqrt(square);
            if (square > 0 && scale > 0) {
                for (int i = k * columns; i < (k + 1) * columns; i++) {
                    right[i] = (float) (right[i] * scale);
                }
            } else {
                state.draws().draw(step, matrix.offset(), k, right, k * columns, columns);
            }
        }
    }

    /** Runs through the matrix in chunks, which stay in the first-level cache. */
    private void walk(Pass pass, Region gradients, long at, FloatCopies copies) {
        float[] chunk = copies.chunk();
        int row = 0;
        int column = 0;
        for (long done = 0; done < matrix.length(); done += CHUNK) {
            int n = (int) Math.min(CHUNK, matrix.length() - done);
            long from = at + done * Float.BYTES;
            if (pass != Pass.RESTORE) {
                copies.read(gradients, from, chunk, n);
            }
            if (pass == Pass.PROJECT) {
                addResidual(chunk, copies, done, n);
                copies.write(chunk, gradients, from, n);
            }
            for (int begin = 0; begin < n; ) {
                int length = Math.min(columns - column, n - begin);
                row(pass, row, column, chunk, begin, length);
                begin += length;
                column += length;
                if (column == columns) {
                    column = 0;
                    row++;
                }
            }
            if (pass == Pass.RESTORE) {
                copies.write(chunk, gradients, from, n);
            } else if (pass == Pass.ERROR) {
                copies.write(chunk, state.residual(), matrix.offset() + done, n);
            }
        }
    }

    private void addResidual(float[] chunk, FloatCopies copies, long element, int n) {
        withheld = withheld && isZero(chunk, n);
        float[] kept = copies.kept();
        copies.read(state.residual(), matrix.offset() + element, kept, n);
        for (int i = 0; i < n; i++) {
            chunk[i] += kept[i];
        }
    }

    private static boolean isZero(float[] values, int n) {
        for (int i = 0; i < n; i++) {
            if (values[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** A piece of a row, which is in the chunk. */
    private void row(Pass pass, int row, int column, float[] chunk, int begin, int length) {
        if (pass == Pass.RESTORE) {
            Arrays.fill(chunk, begin, begin + length, 0);
        }
        for (int k = 0; k < width; k++) {
            int inLeft = k * rows + row;
            int inRight = k * columns + column;
            switch (pass) {
                case PROJECT -> left[inLeft] += product(chunk, begin, right, inRight, length);
                case TRANSPOSED -> addMultiple(right, inRight, left[inLeft], chunk, begin, length);
                case ERROR -> addMultiple(chunk, begin, -left[inLeft], right, inRight, length);
                case RESTORE -> addMultiple(chunk, begin, left[inLeft], right, inRight, length);
            }
        }
    }

    private static void addMultiple(float[] into, int to, float factor, float[] from, int at, int length) {
        for (int i = 0; i < length; i++) {
            into[to + i] += factor * from[at + i];
        }
    }

    /** Eight sums, since the compiler may not change the order of one, and each addition waits for the one before. */
    private static float product(float[] a, int atA, float[] b, int atB, int length) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        float s4 = 0;
        float s5 = 0;
        float s6 = 0;
        float s7 = 0;
        int i = 0;
        for (; i <= length - 8; i += 8) {
            s0 += a[atA + i] * b[atB + i];
            s1 += a[atA + i + 1] * b[atB + i + 1];
            s2 += a[atA + i + 2] * b[atB + i + 2];
            s3 += a[atA + i + 3] * b[atB + i + 3];
            s4 += a[atA + i + 4] * b[atB + i + 4];
            s5 += a[atA + i + 5] * b[atB + i + 5];
            s6 += a[atA + i + 6] * b[atB + i + 6];
            s7 += a[atA + i + 7] * b[atB + i + 7];
        }
        float rest = 0;
        for (; i < length; i++) {
            rest += a[atA + i] * b[atB + i];
        }
        return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + rest;
    }
}
