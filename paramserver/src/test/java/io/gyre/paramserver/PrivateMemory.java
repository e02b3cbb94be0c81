package io.gyre.paramserver;

import io.gyre.memory.Region;

/** Memory that no other rank has mapped. */
final class PrivateMemory implements ShardTable.Allocator, StripeLocks.Guard {
    @Override
    public StripedMemory allocate(String purpose, long bytes, boolean shared) {
        return new StripedMemory(Region.allocate(purpose, StripedMemory.wholeBytes(bytes)), bytes, "", 2, this);
    }

    @Override
    public boolean isNear(int rank) {
        return false;
    }

    @Override
    public void free(StripedMemory memory) {}

    @Override
    public void pause() {}

    @Override
    public boolean hasEnded(int rank) {
        return false;
    }
}
