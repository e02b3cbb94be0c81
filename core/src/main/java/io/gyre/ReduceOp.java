package io.gyre;

/** Element-wise reductions of the values of several ranks. NaN wins in all three, as in {@link Math#max}. */
public enum ReduceOp {
    SUM,
    MAX,
    MIN
}
