package io.gyre.testkit;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;

class InProcessBoxesContractTest extends MemoryBoxesContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }
}
