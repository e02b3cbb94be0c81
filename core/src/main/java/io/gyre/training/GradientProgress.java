package io.gyre.training;

/** Hears how much of the gradients a backward pass has completed. It completes them from the end of the vector. */
@FunctionalInterface
public interface GradientProgress {

    /**
     * Every gradient from an element on is complete. Called on the thread of the pass, with offsets that may repeat and
     * need not fall; what was complete stays so.
     *
     * @param offset in elements, from the start of the vector
     */
    void completeFrom(long offset);
}
