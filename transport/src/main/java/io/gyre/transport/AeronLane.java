package io.gyre.transport;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.membership.RunId;
import io.gyre.session.Session;

/**
 * What the links of one lane have in common, and how they number their streams.
 *
 * @param number of the lane: 0 carries collectives
 * @param world this rank, and the number of ranks
 * @param incarnation of this process
 * @param site borrowed
 * @param membership borrowed
 * @param gate guards the memory of all streams of the lane
 */
record AeronLane(
        int number, World world, int incarnation, RunId run, AeronSite site, Membership membership, Gate gate) {

    /** Added to a rank's number, it gives the stream's number. */
    private static final int FIRST_STREAM = 1_000;

    /** Distance between the stream numbers of two lanes; no run has this many ranks. */
    private static final int STREAMS_PER_LANE = 1 << 20;

    /** Distance between two generations of a stream: Aeron would take the second for a stranger on the first. */
    private static final int STREAMS_PER_GENERATION = Session.LANES * STREAMS_PER_LANE;

    /** Whether this process is a restarted worker. */
    boolean isOfRestarted() {
        return incarnation > 0;
    }

    /** Number of a stream, by the rank that numbers it. */
    int stream(int rank, int generation) {
        return FIRST_STREAM + (generation - 1) * STREAMS_PER_GENERATION + number * STREAMS_PER_LANE + rank;
    }

    /** Session id of the stream between two ranks. */
    int sessionId(int generation, int from, int to) {
        return AeronLink.sessionId(run.high(), generation, number, from, to);
    }

    /** What both ends of a stream between this rank and a peer need. */
    AeronLink link(Member peer, int generation) {
        return new AeronLink(site.node(), gate, world.rank(), peer, run.high(), generation);
    }
}
