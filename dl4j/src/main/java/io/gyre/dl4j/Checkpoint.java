package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.List;

/**
 * All that a run needs to continue, with any number of ranks.
 *
 * @param progress of the run
 * @param seed of the trainer
 * @param layout see {@link Replica#layout}
 * @param configuration the model's, as JSON
 * @param state parameters and updater state, if any; live memory, neither copied nor owned
 * @param stateChecksum of the state, on which all ranks agree; see {@link Checksums#ofState}
 */
record Checkpoint(
        Progress progress, long seed, String layout, String configuration, List<Region> state, String stateChecksum) {}
