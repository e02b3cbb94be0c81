package io.gyre.dl4j;

import io.gyre.memory.Region;
import io.gyre.training.SharedVector;

/** A vector of no server, of which nothing is saved. */
final class UnsavedVector implements SharedVector {

    @Override
    public void start(Region values) {}

    @Override
    public void read(Region into) {}

    @Override
    public void beginAccumulate(Region delta) {}

    @Override
    public void awaitAccumulate() {}

    @Override
    public void finish(Region into) {}
}
