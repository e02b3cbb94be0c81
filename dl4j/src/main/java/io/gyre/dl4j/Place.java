package io.gyre.dl4j;

/**
 * A place in the data.
 *
 * @param epoch whose order the data have
 * @param position in the epoch: 0 is its beginning, others come from {@link ShardedData#advance}
 * @param mark {@link Share#mark} of the share before it; 0 if it is not known, or none is compared
 */
record Place(int epoch, long position, long mark) {

    static Place beginning(int epoch) {
        return new Place(epoch, 0, 0);
    }
}
