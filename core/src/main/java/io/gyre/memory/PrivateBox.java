package io.gyre.memory;

/** A box that only the rank that made it can see. */
record PrivateBox(String name, Region region) implements MemoryBox {
    @Override
    public void close() {
        region.close();
    }
}
