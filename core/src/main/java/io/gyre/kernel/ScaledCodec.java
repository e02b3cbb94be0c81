package io.gyre.kernel;

/**
 * A codec whose numbers have a narrower range than FLOAT32. Gradients are multiplied by a scale before they are
 * rounded, so that small ones do not become zero, and divided by it afterwards.
 */
public interface ScaledCodec extends GradientCodec {

    /**
     * Sets the scale, between two reductions; the same on all ranks.
     *
     * @param powerOfTwo with which products are exact, from 1 to 2^24
     */
    void scale(float powerOfTwo);
}
