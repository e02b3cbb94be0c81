package io.gyre.allreduce;

import io.gyre.Collective;
import io.gyre.Endpoint;
import io.gyre.Gyre;
import io.gyre.LocalCluster;
import io.gyre.testkit.CollectiveContract;

class DirectCollectiveContractTest extends CollectiveContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new DirectCollective(endpoint);
    }
}
