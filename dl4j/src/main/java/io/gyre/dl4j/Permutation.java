package io.gyre.dl4j;

import java.util.Random;

/** A permutation of the numbers from 0, drawn from a seed: the same on every rank, JVM and processor. */
final class Permutation {

    private Permutation() {}

    /** Fisher-Yates shuffle. {@link Random}'s sequence is part of its specification. */
    static int[] of(int size, long seed) {
        int[] order = new int[size];
        Random random = new Random(seed);
        for (int i = 0; i < size; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }
}
