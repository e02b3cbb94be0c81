package io.gyre.training;

/** Reports how many gradients a backward pass has completed. It completes them from the end of the vector. */
@FunctionalInterface
public interface GradientProgress {

    /**
     * Reports that every gradient from an element on is complete. Called on the thread of the pass. Offsets may repeat
     * and need not decrease; what was complete stays complete.
     *
     * @param offset in elements, from the start of the vector
     */
    void completeFrom(long offset);
}
