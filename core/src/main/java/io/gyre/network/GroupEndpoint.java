package io.gyre.network;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.memory.MemoryBoxes;
import java.util.Arrays;

/** A group's endpoint: renumbers the ranks, and otherwise delegates to the whole endpoint. */
final class GroupEndpoint implements Endpoint {

    private final Endpoint whole;
    private final int[] ranks;
    private final World world;
    private final MemoryBoxes boxes;

    GroupEndpoint(Endpoint whole, int[] ranks) {
        this.whole = whole;
        this.ranks = ranks.clone();
        int own = -1;
        for (int i = 0; i < ranks.length; i++) {
            whole.world().checkRank(ranks[i]);
            for (int j = 0; j < i; j++) {
                if (ranks[j] == ranks[i]) {
                    throw new IllegalArgumentException(
                            "group " + Arrays.toString(ranks) + " names rank " + ranks[i] + " twice");
                }
            }
            if (ranks[i] == whole.world().rank()) {
                own = i;
            }
        }
        if (own < 0) {
            throw new IllegalArgumentException("group " + Arrays.toString(ranks) + " does not contain this rank, "
                    + whole.world().rank());
        }
        this.world = new World(own, ranks.length);
        this.boxes = new GroupBoxes(whole.boxes(), this.ranks);
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public Member member(int rank) {
        return whole.member(inWhole(rank));
    }

    @Override
    public FrameSender sender(int peer) {
        return whole.sender(inWhole(peer));
    }

    @Override
    public FrameReceiver receiver(int peer) {
        return whole.receiver(inWhole(peer));
    }

    private int inWhole(int rank) {
        world.checkRank(rank);
        return ranks[rank];
    }

    @Override
    public void await(int workDone, Activity activity) {
        whole.await(workDone, activity);
    }

    @Override
    public void renew(int peer) {
        whole.renew(inWhole(peer));
    }

    @Override
    public MemoryBoxes boxes() {
        return boxes;
    }

    @Override
    public void flush(Activity activity) {
        whole.flush(activity);
    }
}
