package io.gyre.session;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Endpoint;
import io.gyre.network.WaitObservers;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Some ranks of a session: renumbers them, and otherwise delegates to the whole session. */
final class GroupSession implements Session {

    private final Session whole;
    private final List<Integer> ranks;
    private final World world;
    private final @Nullable Endpoint[] endpoints = new Endpoint[LANES];

    GroupSession(Session whole, List<Integer> ranks) {
        this.whole = whole;
        this.ranks = List.copyOf(ranks);
        for (int i = 1; i < ranks.size(); i++) {
            if (ranks.get(i) <= ranks.get(i - 1)) {
                throw new IllegalArgumentException("group " + ranks + " is not in ascending order");
            }
        }
        int own = ranks.indexOf(whole.world().rank());
        if (own < 0) {
            throw new IllegalArgumentException("group " + ranks + " does not contain this rank, "
                    + whole.world().rank());
        }
        ranks.forEach(whole.world()::checkRank);
        world = new World(own, ranks.size());
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public List<Member> members() {
        return ranks.stream().map(whole.members()::get).toList();
    }

    @Override
    public String transport() {
        return whole.transport();
    }

    @Override
    public String linkTo(int rank) {
        world.checkRank(rank);
        return whole.linkTo(ranks.get(rank));
    }

    @Override
    public Endpoint endpoint() {
        return endpoint(0);
    }

    @Override
    public Endpoint endpoint(int lane) {
        Endpoint known = endpoints[lane];
        if (known == null) {
            known = whole.endpoint(lane)
                    .group(ranks.stream().mapToInt(Integer::intValue).toArray());
            endpoints[lane] = known;
        }
        return known;
    }

    @Override
    public long bytesSent() {
        return whole.bytesSent();
    }

    @Override
    public long networkBytesSent() {
        return whole.networkBytesSent();
    }

    @Override
    public WaitObservers waitObservers() {
        return whole.waitObservers();
    }

    @Override
    public List<byte[]> exchange(List<Integer> members, String topic, byte[] value) {
        return whole.exchange(inWhole(members), topic, value);
    }

    @Override
    public void attest(List<Integer> members, String topic, String value, String remedy) {
        whole.attest(inWhole(members), topic, value, remedy);
    }

    @Override
    public void check(List<Integer> members, Object doing) {
        whole.check(inWhole(members), doing);
    }

    @Override
    public boolean isWhole(List<Integer> members) {
        return whole.isWhole(inWhole(members));
    }

    private List<Integer> inWhole(List<Integer> members) {
        List<Integer> inWhole = new ArrayList<>();
        for (int member : members) {
            world.checkRank(member);
            inWhole.add(ranks.get(member));
        }
        return inWhole;
    }

    @Override
    public void beExpendable() {
        whole.beExpendable();
    }

    @Override
    public boolean hasEnded(int rank) {
        world.checkRank(rank);
        return whole.hasEnded(ranks.get(rank));
    }

    @Override
    public int incarnation(int rank) {
        world.checkRank(rank);
        return whole.incarnation(ranks.get(rank));
    }

    @Override
    public void fail(String reason) {
        whole.fail(reason);
    }

    @Override
    public void close() {
        // The group does not own the whole session.
    }
}
