package io.gyre.local;

import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.network.Backoff;
import io.gyre.network.Endpoint;
import io.gyre.network.Patience;
import io.gyre.network.Time;
import io.gyre.network.WaitObservers;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * A network whose ranks are threads of one JVM: the reference implementation of {@link Endpoint} and {@link Session}.
 * Needs no JVM flag and no native code.
 */
final class InProcessNetwork {

    private final InProcessLink[][][] links;
    private final Duration peerTimeout;
    private final Time time;
    private final Supplier<Backoff> backoffs;
    private final InProcessRun run;
    private final InProcessBoxes.Shelf shelf = new InProcessBoxes.Shelf();

    InProcessNetwork(int ranks, Duration peerTimeout) {
        this(ranks, peerTimeout, Time.SYSTEM, () -> new Backoff(ranks));
    }

    /**
     * Creates a network with a time of its own.
     *
     * @param time of all waits
     * @param backoffs how each endpoint's thread waits
     */
    InProcessNetwork(int ranks, Duration peerTimeout, Time time, Supplier<Backoff> backoffs) {
        if (ranks < 1) {
            throw new IllegalArgumentException("a network of " + ranks + " ranks: at least 1 is needed");
        }
        this.peerTimeout = peerTimeout;
        this.time = time;
        this.backoffs = backoffs;
        run = new InProcessRun(ranks, time);
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

    /** How a thread waits for peers on one lane, with verdicts by a rank's membership. */
    Patience patience(int rank, WaitObservers observers) {
        return new Patience(rank, peerTimeout, membership(rank), backoffs.get(), time::now, observers);
    }

    InProcessBoxes.Shelf shelf() {
        return shelf;
    }
}
