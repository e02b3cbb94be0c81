package io.gyre;

/** How the values of several ranks become one, element by element. NaN wins in all three, as in {@link Math#max}. */
public enum ReduceOp {
    SUM,
    MAX,
    MIN
}
