package io.gyre.memory;

/** A box that only its own rank can see. */
record PrivateBox(String name, Region region) implements MemoryBox {
    @Override
    public void close() {
        region.close();
    }
}
