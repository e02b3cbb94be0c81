package io.gyre.dl4j;

/**
 * Tells while a backward pass runs how much of the gradient vector is complete. The pass completes it from its end, layer by
 * layer; Deeplearning4j itself says nothing before all of it is done.
 *
 * <p>Hooks are in the model during a pass only: outside it the model's layers and vertices are its own.
 */
interface BackwardHooks {

    /** Hears how far the pass has come. */
    interface Listener {

        /**
         * Every gradient from an element on is complete. Called on the thread of the pass, with offsets that may repeat and need
         * not fall; what was complete stays so.
         *
         * @param offset in elements, from the start of the vector
         */
        void completeFrom(long offset);
    }

    /** Puts the hooks in place. */
    void attach(Listener listener);

    /** Gives the model its own layers back; does nothing if they are there. */
    void detach();
}
