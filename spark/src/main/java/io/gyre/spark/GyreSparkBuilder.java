package io.gyre.spark;

import io.gyre.OptionRange;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.paramserver.StrategyOptions.Kind;
import java.time.Duration;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/**
 * Options of a {@link GyreSpark}, from {@link GyreSpark#builder}; every setter returns the builder.
 *
 * @param <M> type of the model
 */
public final class GyreSparkBuilder<M extends Model> {

    /** Executors may start one after the other. */
    static final Duration DEFAULT_JOIN_TIMEOUT = Duration.ofMinutes(2);

    final JavaSparkContext context;
    final M model;
    int ranks;
    int batchSize = 32;
    long seed;
    GyreSpark.StrategyChoice strategy =
            () -> StrategyOptions.builder(Kind.ALLREDUCE).build();

    @Nullable String checkpointDirectory;

    int checkpointEveryEpochs = 1;
    int keepCheckpoints = 3;
    boolean resume;
    Duration joinTimeout = DEFAULT_JOIN_TIMEOUT;

    GyreSparkBuilder(JavaSparkContext context, M model) {
        this.context = context;
        this.model = model;
    }

    /**
     * Number of ranks, each a task, which must be able to run at the same time. Data in another number of partitions
     * are divided anew. Default: {@link JavaSparkContext#defaultParallelism}.
     */
    public GyreSparkBuilder<M> ranks(int value) {
        OptionRange.check("ranks", value, 1, Integer.MAX_VALUE);
        ranks = value;
        return this;
    }

    /** Examples of each rank in a step. Default: 32. */
    public GyreSparkBuilder<M> batchSize(int value) {
        OptionRange.check("batchSize", value, 1, Integer.MAX_VALUE);
        batchSize = value;
        return this;
    }

    /** Seed of dropout and other noise inside the model. Default: 0. */
    public GyreSparkBuilder<M> seed(long value) {
        seed = value;
        return this;
    }

    /** The training strategy. Default: synchronous all-reduce. */
    public GyreSparkBuilder<M> strategy(GyreSpark.StrategyChoice value) {
        strategy = value;
        return this;
    }

    /**
     * Directory of checkpoints, of any file system that Hadoop knows; created if missing. Each call of {@code fit}
     * has a directory in it. Default: none.
     */
    public GyreSparkBuilder<M> checkpointDirectory(String value) {
        checkpointDirectory = value;
        return this;
    }

    /** Writes a checkpoint each time this many epochs are done. Default: 1. */
    public GyreSparkBuilder<M> checkpointEveryEpochs(int value) {
        OptionRange.check("checkpointEveryEpochs", value, 1, Integer.MAX_VALUE);
        checkpointEveryEpochs = value;
        return this;
    }

    /** How many checkpoints of a call are kept; older ones are deleted. Default: 3. */
    public GyreSparkBuilder<M> keepCheckpoints(int value) {
        OptionRange.check("keepCheckpoints", value, 1, Integer.MAX_VALUE);
        keepCheckpoints = value;
        return this;
    }

    /**
     * Whether an application continues where an earlier one, the same program with the same directory, has ended.
     * Default: false.
     */
    public GyreSparkBuilder<M> resume(boolean value) {
        resume = value;
        return this;
    }

    /** How long ranks wait for each other at the start. Default: 2 minutes. */
    public GyreSparkBuilder<M> joinTimeout(Duration value) {
        joinTimeout = OptionRange.positive("joinTimeout", value);
        return this;
    }

    /**
     * Validates and returns the object.
     *
     * @throws IllegalArgumentException if the model cannot be trained on Spark
     */
    public GyreSpark<M> build() {
        ModelBytes.of(model);
        return new GyreSpark<>(this);
    }
}
