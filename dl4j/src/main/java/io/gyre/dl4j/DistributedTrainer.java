package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.dl4j.memory.SafeReclamation;
import io.gyre.session.Session;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Trains an unmodified Deeplearning4j model, or graph of SameDiff, on all ranks of a session.
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
 *     trainer.fit(ShardedData.of(source, 32, 1), 10);
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
 *   <dt>BatchNorm
 *   <dd>Each rank normalises with the statistics of its own part of the batch; the running statistics are averaged over
 *       all examples. The result then differs from that of one process, because the layer sees smaller batches.
 *   <dt>Randomness
 *   <dd>Before every step the thread's {@code Nd4j.getRandom()} is seeded from the trainer's seed, the rank and the
 *       step: dropout differs between ranks and steps, and is reproduced when a run is repeated or resumed. After the
 *       pass the generator's previous state is restored: the program's own draws do not depend on the trainer.
 *   <dt>Listeners
 *   <dd>The model's listeners are called on every rank, in the order of {@code fit}. {@code iterationDone} sees the
 *       score over all ranks; {@code onGradientCalculation} sees this rank's gradients, and is not called if the rank
 *       has no examples in a step. Listeners see the model's own layers, and a last batch of 0 rows if there are no
 *       examples.
 *   <dt>Threading
 *   <dd>Confined to the thread that drives the session, except {@link #requestStop} and {@link #requestEnd}, which any
 *       thread may call. A daemon thread interrupts it in listeners and iterators once another rank is lost.
 *   <dt>Failure
 *   <dd>{@link GyreException} and its subclasses. If a gradient is not finite on any rank, or a replica differs from
 *       the others, all ranks fail in the same step, before its update, and name that rank; if only a loss is not
 *       finite, a warning is logged. {@code docs/replica-checks.md} says what is compared when.
 *   <dt>Ownership
 *   <dd>Model and session are borrowed. The model stays a plain Deeplearning4j model, but until the trainer is closed
 *       its gradients are in memory shared by the ranks of a host, and ND4J's memory is freed by
 *       {@link SafeReclamation}. Memory is not copied: do not call the model's {@code init} or {@code close} before the
 *       trainer is closed.
 * </dl>
 */
public final class DistributedTrainer implements AutoCloseable {

    private final Session session;
    private final TrainedModel network;
    private final Replica replica;
    private final StopRequests requests = new StopRequests();
    private final FitLoop loop;
    private final MergedEvaluation evaluation;
    private final Opened opened;

    /** Creates the trainer; {@link TrainerBuilder#build} is for others. */
    DistributedTrainer(TrainerParts parts, Opened opened) {
        session = parts.session;
        network = parts.network;
        replica = parts.replica;
        loop = new FitLoop(parts, requests);
        evaluation = new MergedEvaluation(network, session, parts.watch);
        this.opened = opened;
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
        return loop.fit(data, epochs, Long.MAX_VALUE);
    }

    /**
     * Trains for a number of steps, over as many passes as that takes. The next call with the same data continues where
     * this one ends, in the same pass: many short calls read no more than one long call.
     *
     * @param steps optimiser steps
     */
    public FitReport fitSteps(ShardedData data, long steps) {
        return loop.fit(data, Integer.MAX_VALUE, steps);
    }

    /**
     * Asks all ranks to stop. They stop together, after the step in which they learn of the request: the current one or
     * the next. A later {@code fit} trains again.
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
        return loop.ended();
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
        return loop.score();
    }

    /** Number of optimiser steps so far. */
    public long step() {
        return loop.progress().step();
    }

    /** Number of passes over the data so far. */
    public int epoch() {
        return loop.progress().epoch();
    }

    /** Evaluates classification over all ranks' shares of the data, for a model with one output. Equal on all ranks. */
    public Evaluation evaluate(ShardedData data) {
        return evaluate(data, new Evaluation());
    }

    /** As {@link #evaluate(ShardedData)}; all ranks pass equal iterators, and each takes every N-th batch. */
    public Evaluation evaluate(DataSetIterator data) {
        return evaluate(ShardedData.of(data, Sharding.BATCHES));
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
        return evaluation.run(data, kinds);
    }

    /** SHA-256 of this rank's parameters, as hexadecimal digits. */
    public String parametersSha256() {
        return Checksums.sha256(replica.parameters());
    }

    /** {@link #parametersSha256} of every rank, indexed by rank. All ranks call it together. */
    public List<String> parametersSha256OfAllRanks() {
        List<String> all = new ArrayList<>();
        for (byte[] bytes : session.exchange(
                "parametersSha256OfAllRanks", parametersSha256().getBytes(StandardCharsets.UTF_8))) {
            all.add(new String(bytes, StandardCharsets.UTF_8));
        }
        return all;
    }

    /**
     * Writes the model as a plain Deeplearning4j file, including updater state: a network as a zip of
     * {@code ModelSerializer}, which a {@link ModelReader} reads; a graph of SameDiff as {@code SameDiff.save} does,
     * for {@code SameDiff.load}. All ranks call it together; rank 0 writes. An existing file is replaced atomically
     * once the new one is complete.
     */
    public void exportModel(Path file) {
        OnRoot.call(session, "export to " + file, () -> {
            network.export(file);
            return "";
        });
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
