package io.gyre.allreduce;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.CollectiveContract;

class RingCollectiveContractTest extends CollectiveContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new RingCollective(endpoint);
    }
}
