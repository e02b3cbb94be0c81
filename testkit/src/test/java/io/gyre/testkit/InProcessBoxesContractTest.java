package io.gyre.testkit;

import io.gyre.Gyre;
import io.gyre.LocalCluster;

class InProcessBoxesContractTest extends MemoryBoxesContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }
}
