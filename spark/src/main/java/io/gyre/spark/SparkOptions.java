package io.gyre.spark;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link GyreSpark} tells each of its ranks.
 *
 * @param checkpoints null for none
 */
record SparkOptions(
        int batchSize,
        long seed,
        GyreSpark.StrategyChoice strategy,
        @Nullable HadoopCheckpoints checkpoints,
        int checkpointEveryEpochs)
        implements Serializable {}
