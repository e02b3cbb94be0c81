package io.gyre.kernel;

/** A codec that draws at random: what it draws is a function of seed, step and position, the same on all ranks. */
public interface SeededCodec extends GradientCodec {

    /** Sets the seed, before the first piece; the same on all ranks. */
    void seed(long value);
}
