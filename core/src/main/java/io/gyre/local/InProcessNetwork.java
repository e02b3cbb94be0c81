package io.gyre.local;

import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.Arrays;

/**
 * A network whose ranks are threads of one JVM: the reference implementation of {@link Endpoint} and {@link Session}.
 * Needs no JVM flag and no native code.
 */
final class InProcessNetwork {

    private final InProcessLink[][][] links;
    private final Duration peerTimeout;
    private final InProcessRun run;
    private final InProcessBoxes.Shelf shelf = new InProcessBoxes.Shelf();

    InProcessNetwork(int ranks, Duration peerTimeout) {
        if (ranks < 1) {
            throw new IllegalArgumentException("a network of " + ranks + " ranks: at least 1 is needed");
        }
        this.peerTimeout = peerTimeout;
        run = new InProcessRun(ranks, System::nanoTime);
        links = new InProcessLink[Session.LANES][ranks][ranks];
        for (InProcessLink[][] lane : links) {
            for (InProcessLink[] ofSender : lane) {
                Arrays.setAll(ofSender, to -> new InProcessLink());
            }
        }
    }

    /** The session of one rank; call it once per rank. */
    Session session(int rank) {
        return new InProcessSession(this, new World(rank, links[0].length));
    }

    Membership membership(int rank) {
        return run.membership(rank);
    }

    void end(int rank) {
        run.end(rank);
    }

    InProcessLink link(int lane, int from, int to) {
        return links[lane][from][to];
    }

    Duration peerTimeout() {
        return peerTimeout;
    }

    InProcessBoxes.Shelf shelf() {
        return shelf;
    }
}
