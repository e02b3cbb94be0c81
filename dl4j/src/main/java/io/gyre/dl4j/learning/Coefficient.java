package io.gyre.dl4j.learning;

/** Ranges of the coefficients in this package. */
final class Coefficient {

    private Coefficient() {}

    static void positive(String option, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(option + " is " + value + ": it must be positive and finite");
        }
    }

    static void notNegative(String option, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(option + " is " + value + ": it must be 0, or positive and finite");
        }
    }

    /** Of an average that decays: how much of it is kept in a step. */
    static void kept(String option, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(option + " is " + value + ": it must be at least 0 and less than 1");
        }
    }
}
