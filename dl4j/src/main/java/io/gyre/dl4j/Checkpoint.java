package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.List;

/**
 * All that a run needs to go on, whatever its number of ranks.
 *
 * @param progress how far it is
 * @param seed of the trainer
 * @param layout see {@link Replica#layout}
 * @param configuration the model's, as JSON
 * @param state parameters and, if there is any, updater state; live memory, neither copied nor owned
 * @param stateChecksum of the state, as all ranks have it; see {@link Checksums#ofState}
 */
record Checkpoint(
        Progress progress, long seed, String layout, String configuration, List<Region> state, String stateChecksum) {}
