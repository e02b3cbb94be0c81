package io.gyre.spark;

import io.gyre.OptionRange;
import io.gyre.paramserver.StrategyOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.input.PortableDataStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Trains a Deeplearning4j model on the executors of a Spark application.
 *
 * <pre>{@code
 * GyreSpark<MultiLayerNetwork> spark = GyreSpark.builder(context, model).ranks(4).batchSize(32).build();
 * MultiLayerNetwork trained = spark.fit(frame, Columns.features("x", "y").label("class", 3), 10);
 * Evaluation evaluation = spark.evaluate(testFrame, columns);
 * }</pre>
 *
 * <p>Each rank is a task of one barrier stage, and its share of the data is one partition: partitions may be uneven or
 * empty, and a rank whose data have ended takes part with weight zero. Data go from executor to executor, never through
 * the driver; each rank keeps its partition in a temporary file, from which it reads it in every epoch. The driver
 * makes a secret for each run and hands it to the tasks as Spark hands over all else: protect that by {@code
 * spark.authenticate} and {@code spark.network.crypto.enabled}.
 *
 * <dl>
 *   <dt>JVM flag
 *   <dd>Executors need {@link #JVM_FLAG} in {@code spark.executor.extraJavaOptions}, and with a local master the driver.
 *   <dt>Failure
 *   <dd>After the loss of an executor, or an unexpected exception, Spark starts all ranks again, up to {@code
 *       spark.stage.maxConsecutiveAttempts} times; they continue from the newest checkpoint, or without a directory from
 *       the beginning. Bad data or options end the job with a {@link io.gyre.GyreException}, and so do a cancelled job, a
 *       stopped context, and an interrupt of the calling thread, which cancels the job.
 *   <dt>Threading
 *   <dd>Confined to one thread of the driver. A call blocks until the job is done.
 * </dl>
 *
 * @param <M> {@code MultiLayerNetwork} or {@code ComputationGraph}
 */
public final class GyreSpark<M extends Model> {

    /** The flag that Aeron needs of each JVM with ranks. */
    public static final String JVM_FLAG = "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED";

    /** A strategy that can be sent to the executors: a lambda that makes the options. */
    @FunctionalInterface
    public interface StrategyChoice extends Supplier<StrategyOptions>, Serializable {}

    private final JavaSparkContext context;
    private final int ranks;
    private final int batchSize;
    private final long seed;
    private final StrategyChoice strategy;
    private final @Nullable String checkpointDirectory;
    private final int checkpointEveryEpochs;
    private final int keepCheckpoints;
    private final boolean resume;
    private final Duration joinTimeout;
    private M network;
    private int fits;

    GyreSpark(GyreSparkBuilder<M> builder) {
        context = builder.context;
        network = builder.model;
        ranks = builder.ranks > 0 ? builder.ranks : Math.max(1, context.defaultParallelism());
        batchSize = builder.batchSize;
        seed = builder.seed;
        strategy = builder.strategy;
        checkpointDirectory = builder.checkpointDirectory;
        checkpointEveryEpochs = builder.checkpointEveryEpochs;
        keepCheckpoints = builder.keepCheckpoints;
        resume = builder.resume;
        joinTimeout = builder.joinTimeout;
    }

    /**
     * Creates a builder with the defaults.
     *
     * @param model initialised; not modified
     */
    public static <M extends Model> GyreSparkBuilder<M> builder(JavaSparkContext context, M model) {
        return new GyreSparkBuilder<>(context, model);
    }

    /**
     * Runs a program of your own on ranks that are tasks of a barrier stage.
     *
     * @param ranks number of tasks, which must be able to run at the same time
     * @return results by rank
     * @throws io.gyre.GyreException if a rank's program fails, or Spark gives up
     */
    public static <R extends Serializable> List<R> run(JavaSparkContext context, int ranks, RankProgram<R> program) {
        OptionRange.check("ranks", ranks, 1, Integer.MAX_VALUE);
        List<Integer> numbers = new ArrayList<>();
        for (int rank = 0; rank < ranks; rank++) {
            numbers.add(rank);
        }
        List<R> results = new ArrayList<>();
        for (Serializable result : BarrierRun.run(
                context.parallelize(numbers, ranks),
                (session, attempt, none) -> program.run(session, attempt),
                GyreSparkBuilder.DEFAULT_JOIN_TIMEOUT)) {
            @SuppressWarnings("unchecked") // It is what the program returned.
            R typed = (R) result;
            results.add(typed);
        }
        return results;
    }

    /** The model as trained so far. */
    public M network() {
        return network;
    }

    /**
     * Trains on data sets of any numbers of examples each.
     *
     * @param epochs passes over the data
     * @return the trained model, as {@link #network} returns it from now on
     * @throws io.gyre.GyreException if a rank fails, or Spark gives up
     */
    public M fit(JavaRDD<DataSet> data, int epochs) {
        return fit(data, (partition, rank) -> map(partition, DataSet::toMultiDataSet), epochs);
    }

    /** As {@link #fit(JavaRDD, int)}, for graphs with several inputs or outputs. */
    public M fitMultiDataSet(JavaRDD<MultiDataSet> data, int epochs) {
        return fit(data, (partition, rank) -> partition, epochs);
    }

    /**
     * Trains on the rows of a frame.
     *
     * @param columns which of its columns are features, and which the label
     * @throws IllegalArgumentException if a column is missing or has a type that cannot be used
     */
    public M fit(Dataset<Row> frame, Columns columns, int epochs) {
        return fit(frame.javaRDD(), new RowBatches(columns, frame.schema(), batchSize), epochs);
    }

    /**
     * Trains on files of any file system that Hadoop knows, each of them written by {@link DataSet#save}.
     *
     * @param path a directory, or a pattern
     */
    public M fit(String path, int epochs) {
        return fit(files(path), (partition, rank) -> map(partition, GyreSpark::load), epochs);
    }

    private <T> M fit(JavaRDD<T> data, ToBatches<T> toBatches, int epochs) {
        OptionRange.check("epochs", epochs, 1, Integer.MAX_VALUE);
        fits++;
        HadoopCheckpoints checkpoints = checkpoints();
        ModelBytes given = ModelBytes.of(network);
        Broadcast<ModelBytes> model = context.broadcast(given);
        try (ProgressLog progress = new ProgressLog(context.sc())) {
            SparkOptions options = new SparkOptions(batchSize, seed, strategy, checkpoints, checkpointEveryEpochs);
            List<Serializable> results = BarrierRun.run(
                    RankPartitions.of(data, ranks),
                    new TrainingBody<>(model, options, toBatches, epochs, resume, progress.accumulator()),
                    joinTimeout);
            network = typed(given.with(TrainingBody.trained(results)).model());
            return network;
        } finally {
            destroy(model);
        }
    }

    /** The calls of one program have directories of their own, so that a resumed one finds each call's. */
    private @Nullable HadoopCheckpoints checkpoints() {
        if (checkpointDirectory == null) {
            return null;
        }
        HadoopCheckpoints checkpoints = new HadoopCheckpoints(
                checkpointDirectory + "/fit-" + fits, keepCheckpoints, context.hadoopConfiguration());
        if (!resume) {
            checkpoints.checkEmpty();
        }
        return checkpoints;
    }

    @SuppressWarnings("unchecked") // It was read from a model of this type.
    private M typed(Model model) {
        return (M) model;
    }

    /** Evaluates classification on all ranks, for a model with one output. */
    public Evaluation evaluate(JavaRDD<DataSet> data) {
        return evaluate(data, new Evaluation());
    }

    /** As {@link #evaluate(JavaRDD)}, for the rows of a frame. */
    public Evaluation evaluate(Dataset<Row> frame, Columns columns) {
        return evaluate(frame, columns, new Evaluation());
    }

    /**
     * Evaluates a model with one output on all ranks.
     *
     * @param kind what to measure; not modified. Must support merging
     * @return a new evaluation over all data
     */
    public <E extends IEvaluation<E>> E evaluate(JavaRDD<DataSet> data, E kind) {
        return evaluate(data, (partition, rank) -> map(partition, DataSet::toMultiDataSet), kind);
    }

    /** As {@link #evaluate(JavaRDD, IEvaluation)}, for the rows of a frame. */
    public <E extends IEvaluation<E>> E evaluate(Dataset<Row> frame, Columns columns, E kind) {
        return evaluate(frame.javaRDD(), new RowBatches(columns, frame.schema(), batchSize), kind);
    }

    private <T, E extends IEvaluation<E>> E evaluate(JavaRDD<T> data, ToBatches<T> toBatches, E kind) {
        Broadcast<ModelBytes> model = context.broadcast(ModelBytes.of(network));
        try {
            List<Serializable> results = BarrierRun.run(
                    RankPartitions.of(data, ranks),
                    new EvaluationBody<>(model, batchSize, toBatches, kind),
                    joinTimeout);
            @SuppressWarnings("unchecked") // It has the type of the argument.
            E merged = (E) results.get(0);
            return merged;
        } finally {
            destroy(model);
        }
    }

    /** An interrupted driver removes it too. */
    private static void destroy(Broadcast<ModelBytes> model) {
        boolean interrupted = Thread.interrupted();
        model.destroy();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private JavaRDD<PortableDataStream> files(String path) {
        return context.binaryFiles(path, ranks).values();
    }

    private static MultiDataSet load(PortableDataStream file) {
        DataSet examples = new DataSet();
        try (InputStream in = file.open()) {
            examples.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException("file " + file.getPath() + " cannot be read", e);
        }
        return examples.toMultiDataSet();
    }

    private interface Conversion<A, B> {
        B of(A element);
    }

    private static <A, B> Iterator<B> map(Iterator<A> elements, Conversion<A, B> conversion) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return elements.hasNext();
            }

            @Override
            public B next() {
                return conversion.of(elements.next());
            }
        };
    }
}
