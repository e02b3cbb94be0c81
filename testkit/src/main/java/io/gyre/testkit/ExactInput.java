package io.gyre.testkit;

import io.gyre.ReduceOp;

/**
 * Vectors of integers small enough to be summed exactly in any order, so that results have a closed form. They have
 * both signs, and a period that no chunk or segment has.
 */
final class ExactInput {

    private ExactInput() {}

    /** An element of a rank's vector. */
    static double value(int rank, long index) {
        return (rank + 1) * (double) (index % 997 - 498);
    }

    /** The same element of the vectors of all ranks, reduced. */
    static double combined(ReduceOp op, int ranks, long index) {
        double one = index % 997 - 498;
        return switch (op) {
            case SUM -> ranks * (ranks + 1) / 2.0 * one;
            case MAX -> one > 0 ? ranks * one : one;
            case MIN -> one < 0 ? ranks * one : one;
        };
    }
}
