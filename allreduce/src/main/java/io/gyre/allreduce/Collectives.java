package io.gyre.allreduce;

import io.gyre.Collective;
import io.gyre.Endpoint;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Picks the collectives that suit a network. */
public final class Collectives {

    private static final Logger LOG = LoggerFactory.getLogger(Collectives.class);

    private Collectives() {}

    /**
     * The fastest collectives for where the ranks are: in shared memory if all of them share it, else a ring of messages. All
     * ranks call it together; the choice is logged.
     *
     * @param endpoint borrowed, not closed
     */
    public static Collective choose(Endpoint endpoint) {
        int rank = endpoint.world().rank();
        int size = endpoint.world().size();
        List<Integer> near = endpoint.boxes().ranks();
        if (size > 1 && near.size() == size) {
            LOG.info("rank {}: collectives in shared memory, because all {} ranks share it", rank, size);
            return new DirectCollective(endpoint);
        }
        LOG.info(
                "rank {}: collectives by messages on a ring, because of {} ranks it shares memory with {}",
                rank,
                size,
                near);
        return new RingCollective(endpoint);
    }
}
