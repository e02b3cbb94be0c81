package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * All that a run needs to continue, with any number of ranks.
 *
 * @param progress of the run
 * @param seed of the trainer
 * @param layout see {@link Replica#layout}
 * @param configuration the model's, as JSON
 * @param state parameters and updater state, if any; live memory, neither copied nor owned
 * @param stateChecksum of the state, on which all ranks agree; see {@link Checksums#ofState}
 * @param more further parts, written in this order
 */
record Checkpoint(
        Progress progress,
        long seed,
        String layout,
        String configuration,
        List<Region> state,
        String stateChecksum,
        List<Part> more) {

    /**
     * A part of its own, for what the replica of rank 0 does not hold.
     *
     * @param name not that of another part
     * @param content asked for when it is its turn; it may use the same memory as the part before
     */
    record Part(String name, Supplier<List<ByteBuffer>> content) {

        static Part text(String name, Supplier<String> text) {
            return new Part(name, () -> List.of(ByteBuffer.wrap(text.get().getBytes(StandardCharsets.UTF_8))));
        }

        static Part memory(String name, Supplier<List<Region>> memory) {
            return new Part(name, () -> {
                List<ByteBuffer> windows = new ArrayList<>();
                memory.get().forEach(region -> Checksums.eachWindow(region, windows::add));
                return windows;
            });
        }
    }

    /** A checkpoint of ranks in lockstep. */
    Checkpoint(
            Progress progress,
            long seed,
            String layout,
            String configuration,
            List<Region> state,
            String stateChecksum) {
        this(progress, seed, layout, configuration, state, stateChecksum, List.of());
    }
}
