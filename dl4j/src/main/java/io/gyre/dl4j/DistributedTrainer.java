package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.memory.SafeReclamation;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import io.gyre.training.StepDriver;
import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains an unmodified Deeplearning4j model on all ranks of a session.
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
 *     trainer.fit(ShardedData.of(source, 32, 1), 10);
 * }
 * }</pre>
 *
 * <p>Every rank makes the same calls with its own copy of the model. All start from rank 0's parameters, updater state
 * and counters, and these are bit-identical on all ranks after every step. With the strategies of {@link Parameters}
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

    private static final Logger LOG = LoggerFactory.getLogger(DistributedTrainer.class);

    /** Differs if one rank's program has trained the model outside the trainer. */
    private static final String MODEL_STEPS =
            "steps of the model, by a trainer, an EarlyStoppingTrainer or fit on the model itself";

    private final Session session;
    private final World world;
    private final UpdateStrategy strategy;
    private final Session inStep;
    private final @Nullable StepListener stepListener;
    private final Network network;
    private final Replica replica;
    private final StepDriver driver;
    private final TrainingStep step;
    private final ExchangeTimer timer = new ExchangeTimer();
    private final ReplicaCheck replicas;
    private final Checkpoints checkpoints;
    private final Opened opened;
    private final DataInUse inUse;
    private final LossWatch watch;

    private int startedEpoch = -1;
    private long lastFingerprint;
    private Progress progress;
    private int callsToSkip;
    private boolean resumed;
    private double score = Double.NaN;
    private volatile boolean stopRequested;
    private volatile boolean endRequested;
    private boolean ended;

    /**
     * Sets up the trainer.
     *
     * @param opened closes what this constructor opens
     */
    private DistributedTrainer(Builder builder, Opened opened) {
        this.opened = opened;
        session = builder.session;
        world = session.world();
        session.agree("all-reduce", Map.of("algorithm", builder.algorithm.toString()));
        strategy = builder.strategy == null ? synchronous(builder.algorithm) : builder.strategy;
        List<Integer> together = strategy.reduction().ranks(world);
        inStep = together.size() == world.size() ? session : session.group(together);
        stepListener = builder.stepListener;
        network = Network.of(builder.model);
        ModelChecks.check(network);
        if (world.size() > 1 || builder.microBatches > 1) {
            ModelChecks.checkDivisible(network);
        }
        watch = new LossWatch(session, inStep);
        replica = new Replica(network, builder.bucketBytes, watch.code());
        opened.onClose(replica::close);
        checkSupported(builder);
        DeviceGradients.Source source =
                builder.gradientsOn == null ? DeviceGradients.Source.find(session) : builder.gradientsOn;
        boolean overlap = overlaps(builder.overlap, source != null);
        replicas = new ReplicaCheck(inStep, replica, builder.leastSliceBytes);
        checkpoints = new Checkpoints(session, builder.checkpoints(), replica, replicas, builder.seed);
        session.agree("model and options", identity(builder, overlap));
        replica.moveGradients(
                world, strategy.reduction().allocate(replica.gradients().byteLength()), source);
        MicroBatches batches = new MicroBatches(replica, builder.microBatches, world.rank(), builder.seed);
        inUse = new DataInUse(session, watch, rankName(session));
        opened.onClose(inUse::close);
        step = new TrainingStep(session, inStep, replica, batches, replicas, watch.code());
        List<StepObserver> observers = new ArrayList<>(builder.observers);
        observers.add(timer);
        driver = new StepDriver(session, strategy, replica, overlap, observers);
        opened.onClose(driver::close);
        progress = start();
        callsToSkip = progress.callsDone();
        resumed = !progress.data().isEmpty();
        watch.start();
        opened.onClose(watch::close);
    }

    private UpdateStrategy synchronous(Algorithm algorithm) {
        Collective collective = Collectives.choose(session.endpoint(), algorithm);
        opened.onClose(collective::close);
        return new Synchronous(collective);
    }

    /**
     * Creates a trainer with default options: synchronous all-reduce, with the collective chosen for the network.
     * Blocks until all ranks have called it.
     */
    public static DistributedTrainer of(Model model, Session session) {
        return builder(model, session).build();
    }

    /**
     * Returns a builder for a trainer with options.
     *
     * @param model an initialised {@code MultiLayerNetwork} or {@code ComputationGraph}
     */
    public static Builder builder(Model model, Session session) {
        return new Builder(model, session);
    }

    private void checkSupported(Builder builder) {
        String obstacle = strategy.exchange().checkpointObstacle();
        if (!obstacle.isEmpty() && builder.checkpointDirectory != null) {
            throw new IllegalArgumentException("checkpoints with the strategy " + strategy.name() + ": " + obstacle
                    + ". Export the model at the end, or use the strategy allreduce");
        }
    }

    /** What must be the same on all ranks. */
    private Map<String, String> identity(Builder builder, boolean overlap) {
        return Map.of(
                "micro-batches", String.valueOf(builder.microBatches),
                "model", network.model().getClass().getSimpleName(),
                "data type", replica.elementType().name(),
                "parameters", String.valueOf(network.model().numParams()),
                "configuration", ModelFingerprint.of(network.configurationJson()),
                "buckets", replica.bucketPlan().fingerprint(),
                "overlap", String.valueOf(overlap),
                "strategy", strategy.description(),
                "seed", String.valueOf(builder.seed),
                "checkpoints", builder.checkpoints().toCompare());
    }

    /** Decides whether gradients are exchanged during the backward pass, and logs why. */
    private boolean overlaps(Overlap wanted, boolean onDevice) {
        String obstacle = Overlap.obstacle(
                replica, inStep.world(), onDevice || Nd4j.getEnvironment().isCPU());
        if (!obstacle.isEmpty()) {
            if (wanted == Overlap.ON && world.isRoot()) {
                LOG.warn("Gradients are exchanged after each backward pass, and not during it: {}", obstacle);
            }
            return false;
        }
        boolean together =
                inStep.endpoint().boxes().ranks().size() == inStep.world().size();
        boolean overlap = wanted == Overlap.ON || (wanted == Overlap.AUTO && (onDevice || !together));
        if (world.isRoot()) {
            LOG.info(
                    "Gradients are exchanged {} each backward pass: {}",
                    overlap ? "during" : "after",
                    wanted == Overlap.AUTO ? reason(onDevice, together) : "as asked");
        }
        return overlap;
    }

    private static String reason(boolean onDevice, boolean together) {
        if (onDevice) {
            return "the host has time while the device computes";
        }
        return together ? "those in step share memory and cores" : "messages take time in which cores are free";
    }

    /** Gives all ranks rank 0's state. */
    private Progress start() {
        Beginning ofRoot = Beginning.parse(OnRoot.call(session, "initial progress", () -> {
            Beginning saved = checkpoints.openOnRoot();
            return (saved == null ? Beginning.ofNewRun(Progress.start(network.step(), network.epoch())) : saved).text();
        }));
        Progress begin = ofRoot.progress();
        network.setProgress(begin.step(), begin.epoch());
        driver.start();
        replica.stateChanged();
        if (ofRoot.isResumed()) {
            replicas.verify(ofRoot.stateChecksum(), "the checkpoint of step " + begin.step(), begin.step());
        } else {
            replicas.check(begin.step());
        }
        return begin;
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
        return fit(data, epochs, Long.MAX_VALUE);
    }

    /**
     * Trains for a number of steps, over as many passes as that takes. The next call with the same data continues where
     * this one ends, in the same pass: many short calls read no more than one long call.
     *
     * @param steps optimiser steps
     */
    public FitReport fitSteps(ShardedData data, long steps) {
        return fit(data, Integer.MAX_VALUE, steps);
    }

    private FitReport fit(ShardedData given, int epochs, long steps) {
        Tally tally = new Tally(session.bytesSent());
        if (ended) {
            return tally.report(session.bytesSent(), true);
        }
        if (callsToSkip > 0) {
            callsToSkip--;
            return tally.report(session.bytesSent(), false);
        }
        boolean goesOn = inUse.take(given, resumed ? progress.data() : null);
        ShardedData data = inUse.data();
        session.agree(
                "training data",
                Map.of(
                        "data",
                        data.description(),
                        "epochs",
                        String.valueOf(epochs),
                        "steps",
                        String.valueOf(steps),
                        "those of the call before",
                        goesOn ? "yes" : "no",
                        MODEL_STEPS,
                        allInStep() ? String.valueOf(network.step()) : "each rank's own"));
        progress = continueIn(data.description(), goesOn);
        long lastStep = steps > Long.MAX_VALUE - progress.callStep() ? Long.MAX_VALUE : progress.callStep() + steps;
        long lastEpoch = (long) progress.callEpoch() + epochs;
        boolean returned = goOnAt(driver.resume(progress.step()));
        boolean stopped = false;
        while (!stopped && progress.epoch() < lastEpoch && progress.step() < lastStep) {
            stopped = watched(() -> pass(data, lastStep, tally));
        }
        driver.finish();
        replicas.check(progress.step());
        Progress reached = progress;
        progress = progress.afterCall();
        if (allInStep()) {
            // A step does not say whether only this call is to stop or all training.
            ended = stopped && anyRank("end of the training", endRequested);
        } else {
            // Each rank knows its group's total: only one rank of the group reports it.
            tally.examples(EndOfFit.exchange(
                    session,
                    new EndOfFit(
                            inStep.world().isRoot() ? tally.examples() : 0,
                            progress.epoch(),
                            progress.position(),
                            returned ? 0 : lastFingerprint)));
            ended = anyRank("end of the training", endRequested);
            if (!ended) {
                checkAnyExamples(data, tally);
            }
        }
        checkpoints.afterCall(reached);
        if (ended && world.isRoot()) {
            LOG.info(
                    "the training has ended after step {}, in epoch {}, since a rank was asked to end it",
                    reached.step(),
                    reached.epoch() + 1);
        }
        return tally.report(session.bytesSent(), stopped || ended);
    }

    /** A failure in the program's code that a lost rank has caused is reported as that loss. */
    private <T> T watched(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error failure) {
            Throwable explained = watch.code().explain(failure, watch::check);
            if (explained instanceof GyreException lost) {
                throw lost;
            }
            throw failure;
        }
    }

    /** A restarted worker takes its step number from the other ranks. */
    private boolean goOnAt(long where) {
        if (where == progress.step()) {
            return false;
        }
        LOG.info("{} goes on at step {}", rankName(session), where);
        progress = progress.atStep(Math.toIntExact(where));
        network.setProgress(progress.step(), progress.epoch());
        return true;
    }

    /** Whether a step's summary covers all ranks. */
    private boolean allInStep() {
        return inStep.world().size() == world.size();
    }

    private static void checkAnyExamples(ShardedData data, Tally tally) {
        if (tally.examples() == 0) {
            throw new GyreException("no rank has any examples: the data set is empty (" + data.description() + ")");
        }
    }

    private static String rankName(Session session) {
        return session.members().get(session.world().rank()).toString();
    }

    private boolean anyRank(String topic, boolean own) {
        byte[] value = {(byte) (own ? 1 : 0)};
        return session.exchange(topic, value).stream().anyMatch(bytes -> bytes.length == 1 && bytes[0] == 1);
    }

    /** Finds the place in the data where training continues. */
    private Progress continueIn(String description, boolean goesOn) {
        if (resumed && !goesOn && progress.position() > 0) {
            throw new GyreException("the run stopped in the middle of '" + progress.data() + "' and cannot go on in '"
                    + description + "': resume with the same data, or start without resuming");
        }
        Progress call = resumed ? progress : progress.beginCall(network.step(), network.epoch());
        resumed = false;
        return goesOn ? call : call.atBeginningOf(description);
    }

    /**
     * Trains to the end of the epoch, the last step, or the step after which a rank wants to stop; returns true in the
     * last case.
     */
    private boolean pass(ShardedData data, long lastStep, Tally tally) {
        try {
            Pass pass = inUse.open(data, progress.place(), progress.step());
            beginEpoch();
            boolean stopped = steps(pass, data, lastStep, tally);
            inUse.leave();
            return stopped;
        } catch (RuntimeException | Error e) {
            try {
                inUse.endPass();
            } catch (RuntimeException | Error second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    /** An epoch that spans several calls of {@code fit} begins in the first. */
    private void beginEpoch() {
        if (startedEpoch != progress.epoch()) {
            startedEpoch = progress.epoch();
            toListeners(listener -> listener.onEpochStart(network.model()));
        }
    }

    private boolean steps(Pass pass, ShardedData data, long lastStep, Tally tally) {
        boolean first = true;
        while (progress.step() < lastStep) {
            Share share = pass.next(progress.step());
            lastFingerprint = share.fingerprint();
            timer.reset();
            step.with(share, takeStopRequest(), progress.step(), progress.epoch());
            StepSummary total = driver.step(step, progress.step());
            boolean stop = total.stop();
            long position = data.advance(progress.position(), world);
            if (total.examples() == 0) {
                // Compared data end at the same place on all ranks; a batch may be too small for the ranks that take
                // this step.
                if (data.isCompared() && !share.ended()) {
                    progress = progress.afterStep(progress.step(), position, share.mark());
                    if (stop) {
                        return true;
                    }
                    continue;
                }
                if (first && progress.position() == 0 && allInStep()) {
                    checkAnyExamples(data, tally);
                }
                inUse.endPass();
                endEpoch(tally);
                return stop;
            }
            first = false;
            score = network.model().score();
            progress = progress.afterStep(network.step(), position, share.mark());
            tally.step(total, timer.busyNanos(), timer.exposedNanos());
            toStepListener(total);
            checkpoints.afterStep(progress);
            if (stop) {
                return true;
            }
        }
        return false;
    }

    private void toListeners(Consumer<TrainingListener> event) {
        watch.code().enter("a listener, before or after an epoch, at the end", progress.step());
        try {
            network.listeners().forEach(event);
        } finally {
            watch.code().leave();
        }
    }

    private void toStepListener(StepSummary total) {
        StepListener listener = stepListener;
        if (listener == null) {
            return;
        }
        watch.code().enter("the step listener, at the end", progress.step() - 1);
        try {
            listener.stepDone(progress.step(), progress.epoch(), total);
        } finally {
            watch.code().leave();
        }
    }

    private void endEpoch(Tally tally) {
        toListeners(listener -> listener.onEpochEnd(network.model()));
        progress = progress.afterEpoch();
        network.setProgress(progress.step(), progress.epoch());
        tally.epoch();
        replicas.check(progress.step());
        checkpoints.afterEpoch(progress);
    }

    private boolean takeStopRequest() {
        boolean stop = stopRequested || endRequested;
        stopRequested = false;
        return stop;
    }

    /**
     * Asks all ranks to stop. They stop together, after the step in which they learn of the request: the current one or
     * the next. A later {@code fit} trains again.
     */
    public void requestStop() {
        stopRequested = true;
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
        endRequested = true;
    }

    /** Whether the training has ended by {@link #requestEnd} on some rank. Equal on all ranks between their calls. */
    public boolean ended() {
        return ended;
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
        return score;
    }

    /** Number of optimiser steps so far. */
    public long step() {
        return progress.step();
    }

    /** Number of passes over the data so far. */
    public int epoch() {
        return progress.epoch();
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
        MergedEvaluation evaluation = new MergedEvaluation(network, session, watch.code());
        Claim claim = Claim.of(data.claimed(), rankName(session), data.mayEnd());
        try {
            World present = evaluation.present();
            data.awaitStraggler();
            return watched(() -> {
                EvaluationPass pass = new EvaluationPass(data.pass(present, Place.beginning(0)));
                Map<Integer, List<IEvaluation<?>>> merged = evaluation.run(pass, kinds);
                pass.checkAgreement(session);
                return merged;
            });
        } finally {
            claim.close();
        }
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
     * Writes the model as a plain Deeplearning4j file ({@code ModelSerializer}), including updater state. All ranks
     * call it together; rank 0 writes. An existing file is replaced atomically once the new one is complete.
     */
    public void exportModel(Path file) {
        OnRoot.call(session, "export to " + file, () -> {
            ModelExport.write(network.model(), file);
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

    /** Options of a trainer. All ranks must set the same. */
    public static final class Builder {

        /**
         * The fastest of 2 to 32 MB for ResNet-50's gradients on two hosts with 1 Gbit/s; docs/benchmarks.md has the
         * figures.
         */
        private static final long DEFAULT_BUCKET_BYTES = 8L << 20;

        private final Model model;
        private final Session session;
        private @Nullable UpdateStrategy strategy;
        private @Nullable StepListener stepListener;
        private final List<StepObserver> observers = new ArrayList<>();
        private long seed;
        private long bucketBytes = DEFAULT_BUCKET_BYTES;
        private Algorithm algorithm = Algorithm.AUTO;
        private int microBatches = 1;
        private Overlap overlap = Overlap.AUTO;
        private @Nullable Path checkpointDirectory;
        private long checkpointEverySteps;
        private int checkpointEveryEpochs;
        private int keepCheckpoints = 3;
        private boolean resume;
        private boolean safeReclamation = true;
        private DeviceGradients.@Nullable Source gradientsOn;
        private long leastSliceBytes = ReplicaSlices.LEAST_BYTES;

        private Builder(Model model, Session session) {
            this.model = model;
            this.session = session;
        }

        /** The training strategy. Default: {@link Synchronous} with {@link Collectives#choose}. */
        public Builder strategy(UpdateStrategy value) {
            strategy = value;
            return this;
        }

        /**
         * How the default strategy reduces gradients. Other strategies have their own collectives. Default: {@link
         * Algorithm#AUTO}.
         */
        public Builder algorithm(Algorithm value) {
            algorithm = value;
            return this;
        }

        /** Seed of dropout and other noise inside the model. Default: 0. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Largest size of a bucket, in bytes. Default: 8 MiB. */
        public Builder bucketBytes(long value) {
            bucketBytes = positive("bucketBytes", value);
            return this;
        }

        /**
         * Number of passes into which a rank's batch is split. Their gradients are accumulated before the exchange: the
         * step is that of the whole batch, with the activation memory of a part. BatchNorm sees parts. Default: 1.
         */
        public Builder microBatches(int value) {
            microBatches = (int) positive("microBatches", value);
            return this;
        }

        /** Whether gradients are exchanged during the backward pass. Default: {@link Overlap#AUTO}. */
        public Builder overlap(Overlap value) {
            overlap = value;
            return this;
        }

        /** Is called after every step. */
        public Builder stepListener(StepListener value) {
            stepListener = value;
            return this;
        }

        /** Receives the times of each part of this rank's steps; may be set several times. */
        public Builder observer(StepObserver value) {
            observers.add(value);
            return this;
        }

        /**
         * Directory of checkpoints, on rank 0's host; created if missing, and tested at the start. By default a
         * checkpoint is written at the end of every epoch. A failed write is logged, and the next checkpoint is tried
         * when due; at the end of {@code fit} it is an error. Default: none.
         */
        public Builder checkpointDirectory(Path value) {
            checkpointDirectory = value;
            return this;
        }

        /** Writes a checkpoint each time this many steps are done. */
        public Builder checkpointEverySteps(long value) {
            checkpointEverySteps = positive("checkpointEverySteps", value);
            return this;
        }

        /** Writes a checkpoint each time this many epochs are done. */
        public Builder checkpointEveryEpochs(int value) {
            checkpointEveryEpochs = (int) positive("checkpointEveryEpochs", value);
            return this;
        }

        /** How many checkpoints are kept; older ones are deleted. Default: 3. */
        public Builder keepCheckpoints(int value) {
            keepCheckpoints = (int) positive("keepCheckpoints", value);
            return this;
        }

        /**
         * Whether to resume from the newest intact checkpoint in the directory. If there is none, the run starts from
         * the beginning. The program must be the same as in the previous run: calls of {@code fit} that had finished
         * return at once.
         */
        public Builder resume(boolean value) {
            resume = value;
            return this;
        }

        /**
         * Whether the trainer holds a {@link SafeReclamation} until it is closed. Without it ND4J may crash during a
         * garbage collection. It changes ND4J's global state. Each rank may choose for itself. Default: true.
         */
        public Builder safeReclamation(boolean value) {
            safeReclamation = value;
            return this;
        }

        /** Where the gradients are, if not where ND4J says: for tests with a simulated device. */
        Builder gradientsOn(DeviceGradients.Source value) {
            gradientsOn = value;
            return this;
        }

        /** See {@link ReplicaSlices}: for tests, whose models are small. */
        Builder leastSliceBytes(long value) {
            leastSliceBytes = value;
            return this;
        }

        private static long positive(String option, long value) {
            if (value < 1) {
                throw new IllegalArgumentException(option + " is " + value + ": it must be positive");
            }
            return value;
        }

        private Checkpoints.Options checkpoints() {
            boolean byDefault = checkpointEverySteps == 0 && checkpointEveryEpochs == 0;
            return new Checkpoints.Options(
                    checkpointDirectory,
                    checkpointEverySteps,
                    byDefault ? 1 : checkpointEveryEpochs,
                    keepCheckpoints,
                    resume);
        }

        /** Creates the trainer. Blocks until all ranks have called it. */
        public DistributedTrainer build() {
            Opened opened = new Opened();
            try {
                if (safeReclamation) {
                    opened.onClose(SafeReclamation.install()::close);
                }
                // Before the first wait for all ranks: the second claim is rejected, whichever rank is faster.
                opened.onClose(Claim.of(List.of(model), rankName(session), Claim.Use.NOW)::close);
                return new DistributedTrainer(this, opened);
            } catch (RuntimeException | Error e) {
                closeAfter(e, opened);
                throw e;
            }
        }

        private static void closeAfter(Throwable failure, Opened opened) {
            try {
                opened.close();
            } catch (RuntimeException e) {
                failure.addSuppressed(e);
            }
        }
    }
}
