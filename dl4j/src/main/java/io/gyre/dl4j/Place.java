package io.gyre.dl4j;

/**
 * A place in the data.
 *
 * @param epoch that determines the order of the data
 * @param position in the epoch: 0 is its beginning, others come from {@link ShardedData#advance}
 * @param mark {@link Share#mark} of the previous share; 0 if unknown, or if nothing is compared
 */
record Place(int epoch, long position, long mark) {

    static Place beginning(int epoch) {
        return new Place(epoch, 0, 0);
    }
}
