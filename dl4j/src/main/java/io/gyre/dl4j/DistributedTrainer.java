package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.OptionRange;
import io.gyre.World;
import io.gyre.dl4j.SeatedTraining.Recorded;
import io.gyre.dl4j.TrainerBuilder.Joined;
import io.gyre.dl4j.memory.SafeReclamation;
import io.gyre.session.SeatedRun;
import io.gyre.session.Session;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Trains an unmodified Deeplearning4j model, or graph of SameDiff, on all ranks of a session, or of the run that
 * {@link Gyre#trainer} finds.
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
 *     trainer.fit(iterator, 10);
 * }
 * }</pre>
 *
 * <p>Every rank makes the same calls with its own copy of the model. All start from rank 0's parameters, updater state
 * and counters, and these are bit-identical on all ranks after every step. With the strategies of {@link Strategies}
 * each rank, or each group of ranks, takes its own steps instead, and parameters are equal at the end of each
 * {@code fit} only; the following describes the default strategy.
 *
 * <dl>
 *   <dt>Result
 *   <dd>Gradients are summed over the examples of all ranks before any other processing, so regularisation, clipping,
 *       updater, schedules and constraints see what they would see in one process with the whole batch: N ranks with
 *       batch B equal one rank with batch N B up to rounding error, also for uneven batches. {@code docs/training.md}
 *       has the bounds.
 *   <dt>Truncated backpropagation through time
 *   <dd>As in {@code fit}, each segment of a batch's sequences is a step. {@code docs/training.md} has the details.
 *   <dt>BatchNorm
 *   <dd>Each rank normalises with the statistics of its own part of the batch; the running statistics are averaged over
 *       all examples. The result then differs from that of one process, because the layer sees smaller batches. With
 *       {@link TrainerBuilder#synchronousBatchNorm} all ranks use the statistics of the whole batch.
 *   <dt>Randomness
 *   <dd>Before every step the thread's {@code Nd4j.getRandom()} is seeded from the trainer's seed, the rank and the
 *       step: dropout differs between ranks and steps, and is reproduced when a run is repeated or resumed. After the
 *       pass the generator's previous state is restored: the program's own draws do not depend on the trainer.
 *   <dt>Listeners
 *   <dd>The model's listeners are called on every rank, in the order of {@code fit}; those of {@link #addRootListeners}
 *       on rank 0. {@code iterationDone} sees the score over all ranks; {@code onGradientCalculation} sees this rank's
 *       gradients, and is not called if the rank has no examples in a step. Listeners see the model's own layers, and a
 *       last batch of 0 rows if there are no examples.
 *   <dt>Threading
 *   <dd>Confined to the thread that drives the session, except {@link #requestStop} and {@link #requestEnd}, which any
 *       thread may call. A daemon thread interrupts it in listeners and iterators once another rank is lost.
 *   <dt>Failure
 *   <dd>{@link GyreException} and its subclasses. If a gradient is not finite on any rank, or a replica differs from
 *       the others, all ranks fail in the same step, before its update, and name that rank; if only a loss is not
 *       finite, a warning is logged. {@code docs/replica-checks.md} says what is compared when.
 *   <dt>Ownership
 *   <dd>The model is borrowed, and so is the session, unless {@link Gyre} has joined it: closing the trainer then
 *       leaves the run. The model stays a plain Deeplearning4j model, but until the trainer is closed its gradients are
 *       in memory shared by the ranks of a host, during {@code fit} perhaps its parameters too, see {@link
 *       ShardedUpdate}, and ND4J's memory is freed by {@link SafeReclamation}. Memory is not copied: do not call the model's {@code init} or {@code close} before the trainer is closed. Its own
 *       {@code fit} and {@code pretrain} fail until then: between calls, a listener of the trainer is among the
 *       model's.
 * </dl>
 */
public final class DistributedTrainer implements AutoCloseable {

    private static final Recorded<List<byte[]>> BYTES = new Recorded<>(
            values -> values.stream().map(Base64.getEncoder()::encodeToString).collect(Collectors.joining("\n")),
            text -> Arrays.stream(text.split("\n", -1))
                    .map(Base64.getDecoder()::decode)
                    .toList());

    private static final Recorded<FitReport> REPORT = new Recorded<>(FitReportText::of, FitReportText::parse);

    static final Recorded<String> TEXT = new Recorded<>(text -> text, text -> text);

    private final StopRequests requests = new StopRequests();
    private final PlainData plain;
    private final Opened opened;

    /** Null in a run with seats. */
    private final @Nullable Engine only;

    /** Null in a run whose processes do not change. */
    private final @Nullable SeatedTraining seated;

    /** Creates the trainer; {@link TrainerBuilder#build} is for others. */
    DistributedTrainer(TrainerBuilder options, Joined joined, Opened opened) {
        this.opened = opened;
        plain = new PlainData(options.sharding);
        Session session = joined.session();
        SeatedRun seats = joined.seats();
        only = session == null ? null : new Engine(options, session, null, requests);
        seated = seats == null ? null : new SeatedTraining(options, seats, requests);
        opened.onClose(seated == null ? () -> engine().close() : seated::close);
    }

    /** Makes a call that all ranks make together: see {@link SeatedTraining#call}. */
    <T> T jointly(Function<Engine, T> work, Recorded<T> recorded) {
        return seated == null ? work.apply(engine()) : seated.call(work, recorded);
    }

    private FitReport train(Function<FitLoop, FitReport> call) {
        return jointly(engine -> engine.train(() -> call.apply(engine.loop)), REPORT);
    }

    /**
     * Creates a trainer with default options: synchronous all-reduce, with the collective chosen for the network.
     * Blocks until all ranks have called it.
     */
    public static DistributedTrainer of(Model model, Session session) {
        return builder(model, session).build();
    }

    /** As {@link #of(Model, Session)}, for a graph of SameDiff with a {@code TrainingConfig}. */
    public static DistributedTrainer of(SameDiff graph, Session session) {
        return builder(graph, session).build();
    }

    /**
     * Returns a builder for a trainer of a graph, with options.
     *
     * @param graph with a {@code TrainingConfig}, which says what a batch is mapped to, how parameters are updated, and
     *     how far the training is
     */
    public static TrainerBuilder builder(SameDiff graph, Session session) {
        return new TrainerBuilder(graph, session);
    }

    /** As {@link #builder(Model, SeatedRun)}, for a graph of SameDiff. */
    public static TrainerBuilder builder(SameDiff graph, SeatedRun run) {
        return new TrainerBuilder(graph, opened -> new Joined(null, run));
    }

    /**
     * Returns a builder for a trainer in a run whose processes may change: when one is lost, or another comes, the
     * trainer continues in the next generation, inside the call that it makes. For synchronous all-reduce.
     *
     * @param model an initialised {@code MultiLayerNetwork} or {@code ComputationGraph}
     * @param run borrowed
     */
    public static TrainerBuilder builder(Model model, SeatedRun run) {
        return new TrainerBuilder(model, opened -> new Joined(null, run));
    }

    /**
     * Returns a builder for a trainer with options.
     *
     * @param model an initialised {@code MultiLayerNetwork} or {@code ComputationGraph}
     */
    public static TrainerBuilder builder(Model model, Session session) {
        return new TrainerBuilder(model, session);
    }

    /**
     * Trains for a number of passes over the data. Blocks until all ranks have completed them, or a rank has asked to
     * stop.
     *
     * <p>A pass that an earlier call left unfinished ({@link #fitSteps}, {@link #requestStop}) is continued, and counts
     * as the first, if the data come from the same iterator or source object. Other data start from the beginning.
     * Unless divided by {@link Sharding#OWN}, all ranks must read equal data: otherwise all fail in the step in which a
     * rank read something else, before its update.
     *
     * @param data made in the same way on all ranks
     * @param epochs passes over the data
     */
    public FitReport fit(ShardedData data, int epochs) {
        return train(loop -> loop.fit(data, epochs, Long.MAX_VALUE));
    }

    /** As {@link #fit(DataSetIterator, int)}, for one pass. */
    public FitReport fit(DataSetIterator iterator) {
        return fit(iterator, 1);
    }

    /**
     * Trains as {@code fit} of the model does, with the same epochs, steps and calls of listeners. The iterator is
     * reset before a pass only if it has nothing left. It is divided by the {@linkplain TrainerBuilder#sharding
     * sharding} of this trainer: unless that was set, every rank has an equal iterator and trains on its rows of each
     * batch.
     *
     * @param epochs passes over the data, at least 1
     */
    public FitReport fit(DataSetIterator iterator, int epochs) {
        OptionRange.check("epochs", epochs, 1, Integer.MAX_VALUE);
        return fit(plain.of(iterator), epochs);
    }

    /** As {@link #fit(MultiDataSetIterator, int)}, for one pass. */
    public FitReport fit(MultiDataSetIterator iterator) {
        return fit(iterator, 1);
    }

    /** As {@link #fit(DataSetIterator, int)}, for models with several inputs or outputs. */
    public FitReport fit(MultiDataSetIterator iterator, int epochs) {
        OptionRange.check("epochs", epochs, 1, Integer.MAX_VALUE);
        return fit(plain.of(iterator), epochs);
    }

    /**
     * Takes one step with a batch, as {@code fit} of the model does: it belongs to no epoch, and listeners hear of no
     * beginning or end of one. Checkpoints are written by {@link TrainerBuilder#checkpointEverySteps} only.
     *
     * @param batch of all ranks, divided by the {@linkplain TrainerBuilder#sharding sharding} of this trainer; may be
     *     changed afterwards
     */
    public FitReport fit(DataSet batch) {
        return fit(batch.toMultiDataSet());
    }

    /** As {@link #fit(DataSet)}, for models with several inputs or outputs. */
    public FitReport fit(MultiDataSet batch) {
        return fitBatch(plain.batch(batch));
    }

    /** As {@link #fit(DataSet)}. */
    public FitReport fit(INDArray features, INDArray labels) {
        return fit(features, labels, null, null);
    }

    /** As {@link #fit(DataSet)}; masks may be null. */
    public FitReport fit(
            INDArray features, INDArray labels, @Nullable INDArray featuresMask, @Nullable INDArray labelsMask) {
        return fitBatch(plain.batch(features, labels, featuresMask, labelsMask));
    }

    /** As {@link #fit(MultiDataSet)}. */
    public FitReport fit(INDArray[] inputs, INDArray[] labels) {
        return fit(inputs, labels, null, null);
    }

    /** As {@link #fit(MultiDataSet)}; masks may be null. */
    public FitReport fit(
            INDArray[] inputs,
            INDArray[] labels,
            @Nullable INDArray @Nullable [] featuresMasks,
            @Nullable INDArray @Nullable [] labelsMasks) {
        return fitBatch(plain.batch(inputs, labels, featuresMasks, labelsMasks));
    }

    private FitReport fitBatch(ShardedData batch) {
        return train(loop -> loop.fit(batch, Integer.MAX_VALUE, 1));
    }

    /**
     * Trains for a number of steps, over as many passes as that takes. The next call with the same data continues where
     * this one ends, in the same pass: many short calls read no more than one long call.
     *
     * @param steps optimiser steps; a batch that takes several, with truncated backpropagation through time, takes all
     *     of them
     */
    public FitReport fitSteps(ShardedData data, long steps) {
        return train(loop -> loop.fit(data, Integer.MAX_VALUE, steps));
    }

    /** The present one: in a run whose processes may change, another in each generation. */
    Engine engine() {
        return seated == null ? Objects.requireNonNull(only) : seated.engine();
    }

    /** What is the same in all processes of a run that may change; null in others. */
    @Nullable SeatedTraining seated() {
        return seated;
    }

    /**
     * Asks all ranks to stop. They stop together, after the step in which they learn of the request: the current one or
     * the next; with truncated backpropagation through time, after the last step of its batch. A later {@code fit}
     * trains again.
     */
    public void requestStop() {
        requests.stopCall();
    }

    /**
     * Asks all ranks to end the training, for example before a job's time limit. They stop together, as with {@link
     * #requestStop}, and the call of {@code fit} ends as usual, with a checkpoint if there is a directory. Every later
     * {@code fit} returns at once on all ranks, {@link FitReport#stopped stopped} and without a step, so that a loop of
     * calls ends. If no call is running, the next one takes one step. Evaluation and export still work. A resumed run
     * continues in the middle of the call that was stopped.
     *
     * <p>With a strategy whose ranks are not all in lockstep it stops those in step with this rank, and the others when
     * their call ends: ask on all ranks, as a signal to all of them does. For signals, see {@link
     * io.gyre.signals.GracefulStop}.
     */
    public void requestEnd() {
        requests.endTraining();
    }

    /** Whether the training has ended by {@link #requestEnd} on some rank. Equal on all ranks between their calls. */
    public boolean ended() {
        JointCalls.Done between = between();
        return between == null ? engine().loop.ended() : between.ended();
    }

    /**
     * Returns, before any rank is started, what a run with this checkpoint directory would find.
     *
     * @param directory may be missing
     * @return step of the newest checkpoint, intact or damaged; empty if there is none
     */
    public static OptionalLong newestCheckpoint(Path directory) {
        return CheckpointStore.newestStep(directory);
    }

    /**
     * The model's score after the last step, over the examples of all ranks: their mean loss, including regularisation;
     * with {@code miniBatch(false)} the sum, as in {@code fit}. NaN before the first step.
     */
    public double score() {
        JointCalls.Done between = between();
        return between == null ? engine().loop.score() : between.score();
    }

    /** Number of optimiser steps so far. */
    public long step() {
        JointCalls.Done between = between();
        return between == null ? engine().loop.progress().step() : between.step();
    }

    /** Number of passes over the data so far. */
    public int epoch() {
        JointCalls.Done between = between();
        return between == null ? engine().loop.progress().epoch() : between.epoch();
    }

    /** Evaluates classification over all ranks' shares of the data, for a model with one output. Equal on all ranks. */
    public Evaluation evaluate(ShardedData data) {
        return evaluate(data, new Evaluation());
    }

    /**
     * As {@link #evaluate(ShardedData)}, with the iterator's names of classes, if it has any. All ranks pass equal
     * iterators, and each takes every N-th batch; with {@link Sharding#FROM_ROOT}, rank 0 reads for all.
     */
    public Evaluation evaluate(DataSetIterator data) {
        List<String> names = data.getLabels();
        return evaluate(plain.forEvaluation(data), names == null ? new Evaluation() : new Evaluation(names));
    }

    /** As {@link #evaluate(DataSetIterator)}, without names. */
    public Evaluation evaluate(MultiDataSetIterator data) {
        return evaluate(plain.forEvaluation(data));
    }

    /**
     * Evaluates a model with one output on all ranks.
     *
     * @param kind what to measure; not modified. Must support merging and JSON: an ROC needs thresholds
     * @return a new evaluation over all ranks' shares of the data, equal on all ranks
     * @param <T> kind of evaluation
     */
    public <T extends IEvaluation<T>> T evaluate(ShardedData data, T kind) {
        List<IEvaluation<?>> ofOutput =
                evaluate(data, Map.of(0, List.of(kind))).values().iterator().next();
        @SuppressWarnings("unchecked") // The result has the type of the argument.
        T merged = (T) ofOutput.get(0);
        return merged;
    }

    /**
     * As {@link #evaluate(ShardedData, IEvaluation)}, for several evaluations and outputs in one pass.
     *
     * @param kinds by index of the output to evaluate, from 0
     */
    public Map<Integer, List<IEvaluation<?>>> evaluate(ShardedData data, Map<Integer, List<IEvaluation<?>>> kinds) {
        return jointly(engine -> engine.evaluation.run(data, kinds), EvaluationText.of(kinds));
    }

    /** The trainer's figures between two calls of a run with seats; null otherwise: the engine has them. */
    private JointCalls.@Nullable Done between() {
        return seated == null ? null : seated.between();
    }

    /** SHA-256 of this rank's parameters, as hexadecimal digits. */
    public String parametersSha256() {
        return Checksums.sha256(engine().replica.parameters());
    }

    /** {@link #parametersSha256} of every rank, indexed by rank. All ranks call it together. */
    public List<String> parametersSha256OfAllRanks() {
        return exchange("parametersSha256OfAllRanks", parametersSha256().getBytes(StandardCharsets.UTF_8)).stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .toList();
    }

    /**
     * As {@link Session#exchange(String, byte[])}: returns the values of all ranks, by rank. All ranks call it together.
     *
     * @param topic what is exchanged; the same on all ranks
     */
    public List<byte[]> exchange(String topic, byte[] value) {
        return jointly(engine -> engine.session.exchange(topic, value), BYTES);
    }

    /** This process's rank, or the lowest of those that it holds, and the number of ranks. */
    public World world() {
        return engine().session.world();
    }

    /** The network in use, as {@link Session#transport}. */
    public String transport() {
        return engine().session.transport();
    }

    /**
     * Adds listeners to the network of rank 0 only, such as those that print, write files or feed a user interface. All
     * ranks call it. They must not call methods that all ranks call together, such as {@link #evaluate} and
     * {@link #exportModel}. Listeners that the program adds to the model itself run on every rank that adds them.
     *
     * @throws IllegalArgumentException if the model is a graph of SameDiff, which has listeners of its own
     */
    public void addRootListeners(TrainingListener... listeners) {
        if (!(engine().network instanceof Network)) {
            throw new IllegalArgumentException(
                    "a SameDiff graph has no TrainingListener: on rank 0, add its own kind of"
                            + " listener to the graph");
        }
        if (seated != null) {
            seated.addRootListeners(List.of(listeners));
        } else {
            engine().addOnRoot(List.of(listeners));
        }
    }

    /**
     * Writes the model as a plain Deeplearning4j file, including updater state: a network as a zip of
     * {@code ModelSerializer}, which a {@link ModelReader} reads; a graph of SameDiff as {@code SameDiff.save} does,
     * for {@code SameDiff.load}. All ranks call it together; rank 0 writes. An existing file is replaced atomically
     * once the new one is complete.
     */
    public void exportModel(Path file) {
        if (seated == null) {
            exportOnRoot(engine(), file);
            return;
        }
        // A file that cannot be written is no reason to give the ranks to another process.
        String failure = jointly(
                engine -> {
                    try {
                        exportOnRoot(engine, file);
                        return "";
                    } catch (GyreException e) {
                        if (e.getClass() != GyreException.class || !engine.session.isWhole()) {
                            throw e;
                        }
                        return String.valueOf(e.getMessage());
                    }
                },
                TEXT);
        if (!failure.isEmpty()) {
            throw new GyreException(failure);
        }
    }

    private static void exportOnRoot(Engine engine, Path file) {
        String unused = OnRoot.call(engine.session, "export to " + file, () -> {
            engine.network.export(file);
            return "";
        });
    }

    /**
     * Does work once for all ranks, such as to write a file, on the process that holds rank 0, while the others wait.
     * All ranks call it together. In a run whose processes may change, the process that takes over rank 0 repeats work
     * during which the one before was lost: work must do no harm the second time.
     *
     * @param topic what is done, for errors; the same on all ranks
     * @param work fails with {@link GyreException}, which all ranks then throw
     */
    public void onRoot(String topic, Runnable work) {
        String unused = jointly(
                engine -> OnRoot.call(engine.session, topic, () -> {
                    work.run();
                    return "";
                }),
                TEXT);
    }

    /**
     * Moves the gradients back to the model's own memory; the model does not change otherwise. A second call does
     * nothing.
     */
    @Override
    public void close() {
        opened.close();
    }
}
