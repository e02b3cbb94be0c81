package io.gyre.network;

import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The boxes of a group: ranks are renumbered, and names are the group's own. */
final class GroupBoxes implements MemoryBoxes {

    private final MemoryBoxes whole;
    private final int[] inWhole;
    private final String prefix;

    GroupBoxes(MemoryBoxes whole, int[] inWhole) {
        this.whole = whole;
        this.inWhole = inWhole;
        prefix = "group " + Arrays.toString(inWhole) + " ";
    }

    @Override
    public List<Integer> ranks() {
        List<Integer> ranks = new ArrayList<>();
        for (int rank = 0; rank < inWhole.length; rank++) {
            if (whole.ranks().contains(inWhole[rank])) {
                ranks.add(rank);
            }
        }
        return ranks;
    }

    @Override
    public MemoryBox create(String name, long byteLength) {
        return whole.create(prefix + name, byteLength);
    }

    @Override
    public MemoryBox attach(int owner, String name, long byteLength) {
        return whole.attach(inWhole[owner], prefix + name, byteLength);
    }

    @Override
    public String newName(String purpose) {
        // The prefix is added again when the name is used.
        return whole.newName(prefix + purpose).substring(prefix.length());
    }

    @Override
    public void moved(long bytes) {
        whole.moved(bytes);
    }

    @Override
    public long bytesMoved() {
        return whole.bytesMoved();
    }
}
