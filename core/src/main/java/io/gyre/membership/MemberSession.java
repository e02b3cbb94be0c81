package io.gyre.membership;

import io.gyre.Member;
import io.gyre.network.WaitObservers;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;

/**
 * The part of a rank's session that is the same over every network: its {@link Membership} tells who takes part, and
 * carries what ranks exchange. A network adds endpoints, and the end of the session.
 */
public abstract class MemberSession implements Session {

    private final Membership membership;
    private final Duration peerTimeout;
    private final WaitObservers observers = new WaitObservers();

    /**
     * Creates the session of a member.
     *
     * @param membership borrowed
     * @param peerTimeout limit of each wait for other ranks
     */
    protected MemberSession(Membership membership, Duration peerTimeout) {
        this.membership = membership;
        this.peerTimeout = peerTimeout;
    }

    /** The rank's membership. */
    protected final Membership membership() {
        return membership;
    }

    @Override
    public List<Member> members() {
        return membership.members();
    }

    @Override
    public WaitObservers waitObservers() {
        return observers;
    }

    @Override
    public List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value) {
        return membership.exchange(ranks, topic, value, peerTimeout);
    }

    @Override
    public void attest(List<Integer> ranks, String topic, String value, String remedy) {
        membership.attest(ranks, topic, value, remedy);
    }

    @Override
    public void check(List<Integer> ranks, Object doing) {
        membership.check(ranks, doing);
    }

    @Override
    public boolean isWhole(List<Integer> ranks) {
        return membership.isWhole(ranks);
    }

    @Override
    public void beExpendable() {
        membership.beExpendable(peerTimeout);
    }

    @Override
    public void beExpendable(SortedMap<Integer, Integer> backedBy) {
        membership.beExpendable(backedBy);
    }

    @Override
    public boolean hasEnded(int rank) {
        world().checkRank(rank);
        return membership.hasLeft(rank);
    }

    @Override
    public int incarnation(int rank) {
        world().checkRank(rank);
        return membership.incarnation(rank);
    }

    @Override
    public void fail(String reason) {
        membership.fail(reason);
    }
}
