package io.gyre.allreduce;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.CollectiveContract;
import java.util.List;
import java.util.stream.IntStream;

/** Of a vector without matrices, results are exact, and the contract holds as it is. */
class PowerSgdCollectiveContractTest extends CollectiveContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }

    @Override
    protected IntStream worlds() {
        return IntStream.of(1, 3);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new PowerSgdCollective(new RingCollective(endpoint), new PowerSgd(2, List.of(), 0));
    }
}
