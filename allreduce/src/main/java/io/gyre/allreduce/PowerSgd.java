package io.gyre.allreduce;

import io.gyre.kernel.Residual;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * PowerSGD on one rank: which parts of the gradients are sent as factors, and what this rank keeps from step to step.
 *
 * <dl>
 *   <dt>Factors
 *   <dd>A matrix of m rows and n columns is sent as factors of m x r and n x r floats, if these are fewer than m n.
 *       Everything else is sent as it is.
 *   <dt>Kept
 *   <dd>The {@link #residual} is this rank's own. The {@link #start} is equal on all ranks: at first a function of the
 *       seed, and after a step what its factors have made of it.
 *   <dt>Threading
 *   <dd>One thread at a time.
 * </dl>
 *
 * <p>Vogels, Karimireddy and Jaggi, <i>PowerSGD: Practical Low-Rank Gradient Compression for Distributed
 * Optimization</i>, NeurIPS 2019.
 */
public final class PowerSgd {

    private static final String NAME = "powersgd";
    private static final long BEFORE_ALL_STEPS = -1;

    private final int width;
    private final List<WeightMatrix> matrices;
    private final ColumnDraws draws;
    private final Residual residual = new Residual();
    private final Region start;

    /**
     * Creates the state before the first step.
     *
     * @param matrixRank r, the columns of a factor: 1 or more
     * @param matrices of the vector; they do not overlap
     * @param seed the same on all ranks
     */
    public PowerSgd(int matrixRank, List<WeightMatrix> matrices, long seed) {
        checkRank(matrixRank, nameOf(matrixRank));
        width = matrixRank;
        this.matrices = matrices.stream()
                .filter(each -> each.factorLength(width) < each.length())
                .sorted(Comparator.comparingLong(WeightMatrix::offset))
                .toList();
        draws = new ColumnDraws(seed);
        start = Region.allocate("start of " + name(), startBytes(this.matrices, width));
        long at = 0;
        for (WeightMatrix each : this.matrices) {
            float[] column = new float[each.columns()];
            for (int k = 0; k < width; k++) {
                draws.draw(BEFORE_ALL_STEPS, each.offset(), k, column, 0, column.length);
                for (float value : column) {
                    start.putFloat(at, value);
                    at += Float.BYTES;
                }
            }
        }
    }

    private static long startBytes(List<WeightMatrix> matrices, int width) {
        return matrices.stream()
                        .mapToLong(each -> Math.multiplyExact(each.columns(), width))
                        .sum()
                * Float.BYTES;
    }

    /** Whether a word of {@code --compress} names it: {@code powersgd:RANK}. */
    public static boolean isNamed(String word) {
        return word.equals(NAME) || word.startsWith(NAME + ":");
    }

    /**
     * The matrix rank in a word that {@link #isNamed names} it.
     *
     * @throws IllegalArgumentException if there is none, or it is less than 1
     */
    public static int rankOf(String word) {
        String parameter = word.substring(Math.min(word.length(), NAME.length() + 1));
        int rank;
        try {
            rank = Integer.parseInt(parameter);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "'" + word + "': its rank '" + parameter + "' is no number; give one, such as " + nameOf(4), e);
        }
        checkRank(rank, word);
        return rank;
    }

    private static void checkRank(int rank, String word) {
        if (rank < 1) {
            throw new IllegalArgumentException(
                    "'" + word + "': a rank of " + rank + " sends nothing; give 1 or more, such as " + nameOf(4));
        }
    }

    private static String nameOf(int rank) {
        return NAME + ":" + rank;
    }

    /** As on the command line; must be the same on all ranks. */
    public String name() {
        return nameOf(width);
    }

    /** What this rank has not sent yet. */
    public Residual residual() {
        return residual;
    }

    /** The factors with which the next step begins, in FLOAT32: a part of the state of a training. */
    public Region start() {
        return start;
    }

    /** Length in bytes of a vector as it is sent: factors, and what is no matrix. */
    public long sentBytes(long elements) {
        long saved = matrices.stream()
                .mapToLong(each -> each.length() - each.factorLength(width))
                .sum();
        return (elements - saved) * Float.BYTES;
    }

    ColumnDraws draws() {
        return draws;
    }

    /**
     * The matrices in a part of the vector.
     *
     * @param from its first element
     * @throws IllegalArgumentException if one of them is there in part only
     */
    List<LowRankMatrix> matricesIn(long from, long length) {
        List<LowRankMatrix> found = new ArrayList<>();
        long at = 0;
        for (WeightMatrix each : matrices) {
            boolean begins = each.offset() >= from && each.offset() < from + length;
            boolean ends = each.offset() + each.length() > from && each.offset() + each.length() <= from + length;
            if (begins != ends || (each.offset() < from && each.offset() + each.length() > from + length)) {
                throw new IllegalArgumentException(name() + ": elements " + from + " to " + (from + length - 1)
                        + " contain a part of the " + each + "; cut the vector where no matrix is");
            }
            long bytes = (long) Math.multiplyExact(each.columns(), width) * Float.BYTES;
            if (begins) {
                found.add(new LowRankMatrix(this, each, width, start.slice(at, bytes)));
            }
            at += bytes;
        }
        return found;
    }
}
