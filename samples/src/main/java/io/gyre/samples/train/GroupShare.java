package io.gyre.samples.train;

import io.gyre.dl4j.ExampleSource;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The examples of one group: every so many of all. The groups' numbers of examples differ by one at most.
 *
 * @param all examples of all groups
 * @param group number of the group, from 0
 * @param groups number of groups
 */
record GroupShare(ExampleSource all, int group, int groups) implements ExampleSource {

    @Override
    public int size() {
        return (all.size() - group + groups - 1) / groups;
    }

    @Override
    public MultiDataSet load(int[] indices) {
        int[] ofAll = new int[indices.length];
        for (int i = 0; i < indices.length; i++) {
            ofAll[i] = indices[i] * groups + group;
        }
        return all.load(ofAll);
    }
}
