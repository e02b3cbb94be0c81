package io.gyre.allreduce;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.CollectiveContract;
import java.util.stream.IntStream;

/** With a codec that has a residual and a variable length, and loses nothing, the contract holds as it is. */
class FeedbackCollectiveContractTest extends CollectiveContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }

    @Override
    protected IntStream worlds() {
        return IntStream.of(1, 2, 3, 5, 8);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new CompressedCollective(endpoint, new PlainFeedbackCodec());
    }
}
