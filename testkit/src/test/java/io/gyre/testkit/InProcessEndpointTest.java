package io.gyre.testkit;

import io.gyre.Gyre;
import io.gyre.LocalCluster;

class InProcessEndpointTest extends EndpointContract {

    @Override
    protected LocalCluster cluster(int ranks) {
        return Gyre.local(ranks);
    }
}
