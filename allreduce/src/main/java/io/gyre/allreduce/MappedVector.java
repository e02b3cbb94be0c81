package io.gyre.allreduce;

import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import java.util.Arrays;
import java.util.function.Consumer;

/** A vector that every rank of a host keeps in a memory box, and that all the others have mapped. */
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
     * Maps the vectors of the other ranks. All ranks of the host call it together.
     *
     * @param own this rank's box; owned from now on
     * @param name the name that all ranks use for their boxes
     * @param number identifies the vector when ranks compare their operations
     */
    static MappedVector around(
            MemoryBox own, String name, int number, MemoryBoxes shared, World world, Consumer<MappedVector> atClose) {
        return new MappedVector(number, world.rank(), attachAll(own, name, shared, world), atClose);
    }

    /** Attaches the boxes of all ranks, by rank. If one of them fails, none is left open. */
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

    /** Identifies the vector when ranks compare their operations. */
    int number() {
        return number;
    }

    /** The vector of a rank. */
    Region of(int peer) {
        return regions[peer];
    }

    /** Keeps all mapped vectors from being unmapped. Pair it with {@link #exit}. */
    void enter() {
        for (Region region : regions) {
            region.enter("a collective");
        }
    }

    void exit() {
        for (Region region : regions) {
            region.exit();
        }
    }

    @Override
    public void close() {
        // This rank's own box first: if it is in use, all stay open.
        boxes[rank].close();
        for (MemoryBox box : boxes) {
            box.close();
        }
        atClose.accept(this);
    }
}
