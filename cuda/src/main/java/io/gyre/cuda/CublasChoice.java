package io.gyre.cuda;

import io.gyre.ElementType;
import org.jspecify.annotations.Nullable;

/** For which sums cuBLAS is used: none at first, then those of the lengths at which it was measured to be faster. */
final class CublasChoice {

    /** Length from which cuBLAS is never used. */
    static final long NEVER = Long.MAX_VALUE;

    private @Nullable Cublas cublas;
    private long fromFloats = NEVER;
    private long fromDoubles = NEVER;

    /** cuBLAS for all sums, regardless of speed. */
    static CublasChoice always(Cublas cublas) {
        CublasChoice choice = new CublasChoice();
        for (ElementType type : ElementType.values()) {
            choice.set(cublas, type, 1);
        }
        return choice;
    }

    /** Uses cuBLAS for sums of at least {@code fromElements} elements. */
    void set(Cublas newCublas, ElementType type, long fromElements) {
        cublas = newCublas;
        switch (type) {
            case FLOAT32 -> fromFloats = fromElements;
            case FLOAT64 -> fromDoubles = fromElements;
        }
    }

    /** cuBLAS, if it is used for {@code count} elements. */
    @Nullable Cublas of(ElementType type, long count) {
        return count >= (type == ElementType.FLOAT32 ? fromFloats : fromDoubles) ? cublas : null;
    }

    @Override
    public String toString() {
        return cublas == null ? "" : " and cuBLAS";
    }
}
