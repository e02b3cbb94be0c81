package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/**
 * Parts of a checkpoint that other ranks hold, each of which is gathered once, in one order, by all processes together:
 * block after block, so that no process needs room for more than one.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains, between two reductions.
 * </dl>
 */
final class Gathering {

    private final List<Checkpoint.Part> parts = new ArrayList<>();
    private final List<Block> blocks = new ArrayList<>();
    private final BiConsumer<Region, Integer> broadcast;
    private int next;

    /**
     * A block of a rank.
     *
     * @param part its name in the file
     * @param rank who has it
     * @param memory of this process, asked for once: the block at that rank, and room for it at others
     */
    record Block(String part, int rank, Supplier<Region> memory) {}

    /**
     * Creates a gathering of nothing yet.
     *
     * @param broadcast replaces memory by that of a rank, on all processes
     */
    Gathering(BiConsumer<Region, Integer> broadcast) {
        this.broadcast = broadcast;
    }

    /** Adds what rank 0 has: written, and not gathered. */
    void add(Checkpoint.Part part) {
        parts.add(part);
    }

    /** Adds a block. All processes add the same ones in the same order. */
    void add(Block block) {
        blocks.add(block);
        parts.add(Checkpoint.Part.memory(block.part(), () -> List.of(next())));
    }

    /** For the file, in the order in which they were added; blocks are gathered when it is their turn. */
    List<Checkpoint.Part> parts() {
        return List.copyOf(parts);
    }

    /** Gathers the next block; valid until that after it. */
    private Region next() {
        Block block = blocks.get(next++);
        Region memory = block.memory().get();
        broadcast.accept(memory, block.rank());
        return memory;
    }

    /** Gathers what is left: the other processes wait for it, also if this one could not write what it got. */
    void finish() {
        while (next < blocks.size()) {
            next();
        }
    }
}
