package io.gyre.dl4j;

import io.gyre.Gyre;
import io.gyre.LocalCluster;

/** The networks that training is tested over: ranks are threads of this JVM on all of them. */
enum TestNetwork {
    LOCAL {
        @Override
        LocalCluster cluster(int ranks) {
            return Gyre.local(ranks);
        }
    };

    abstract LocalCluster cluster(int ranks);
}
