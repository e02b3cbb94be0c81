package io.gyre.allreduce;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import java.util.Arrays;
import java.util.function.Consumer;

/** A vector that every rank of a host has in a memory box, and that all others have mapped. */
final class MappedVector implements MemoryBox {

    private final int number;
    private final int rank;
    private final MemoryBox[] boxes;
    private final Region[] regions;
    private final Consumer<MappedVector> atClose;

    private MappedVector(int number, int rank, MemoryBox[] boxes, Consumer<MappedVector> atClose) {
        this.number = number;
        this.rank = rank;
        this.boxes = boxes;
        this.atClose = atClose;
        regions = new Region[boxes.length];
        for (int i = 0; i < boxes.length; i++) {
            regions[i] = boxes[i].region();
        }
    }

    /**
     * Attaches the parts of the others, who do the same.
     *
     * @param own this rank's part; owned from now on
     * @param name what all ranks call their part
     * @param number what it is called when ranks compare what they do
     */
    static MappedVector around(
            MemoryBox own, String name, int number, MemoryBoxes shared, World world, Consumer<MappedVector> atClose) {
        return new MappedVector(number, world.rank(), attachAll(own, name, shared, world), atClose);
    }

    /** Boxes of all ranks, by rank; if one of them cannot be had, none is left open. */
    static MemoryBox[] attachAll(MemoryBox own, String name, MemoryBoxes shared, World world) {
        MemoryBox[] boxes = new MemoryBox[world.size()];
        Arrays.fill(boxes, own);
        try {
            for (int peer = 0; peer < boxes.length; peer++) {
                if (peer != world.rank()) {
                    boxes[peer] = shared.attach(peer, name, own.region().byteLength());
                }
            }
            return boxes;
        } catch (RuntimeException e) {
            for (MemoryBox box : boxes) {
                box.close();
            }
            throw e;
        }
    }

    @Override
    public String name() {
        return boxes[rank].name();
    }

    /** This rank's vector. */
    @Override
    public Region region() {
        return regions[rank];
    }

    /** What it is called when ranks compare what they do. */
    int number() {
        return number;
    }

    /** The vector of any rank. */
    Region of(int peer) {
        return regions[peer];
    }

    /** Keeps all this memory from being unmapped. Pair it with {@link #exit}. */
    void enter() {
        for (Region region : regions) {
            region.enter("a collective");
        }
    }

    /** Ends {@link #enter}. */
    void exit() {
        for (Region region : regions) {
            region.exit();
        }
    }

    @Override
    public void close() {
        // This rank's own first: if it is in use, everything stays.
        boxes[rank].close();
        for (MemoryBox box : boxes) {
            box.close();
        }
        atClose.accept(this);
    }
}
