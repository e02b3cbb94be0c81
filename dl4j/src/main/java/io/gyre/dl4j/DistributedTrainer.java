package io.gyre.dl4j;

import io.gyre.Collective;
import io.gyre.GyreException;
import io.gyre.Session;
import io.gyre.StepSummary;
import io.gyre.Synchronous;
import io.gyre.UpdateStrategy;
import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.memory.SafeReclamation;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
 * <p>Every rank makes the same calls with its own copy of the model. All start from rank 0's parameters, updater state and
 * counters, and after every step all have the same again, bit for bit. The strategies of {@link Parameters} leave each rank, or each
 * group of ranks, its own steps instead, and promise equal parameters at the end of each {@code fit} only; what follows is about the
 * default.
 *
 * <dl>
 *   <dt>Result
 *   <dd>Gradients are summed over the examples of all ranks before anything else happens to them, so regularisation, clipping,
 *       updater, schedules and constraints see what one process with the whole batch would show them: N ranks with batch B
 *       equal one with batch N B within rounding, for uneven batches too. {@code docs/training.md} has the bounds.
 *   <dt>BatchNorm
 *   <dd>Each rank normalises with the statistics of its own part of the batch; the running statistics are averaged over all
 *       examples. The result then differs from one process, as the layer sees smaller batches.
 *   <dt>Chance
 *   <dd>Before every step the thread's {@code Nd4j.getRandom()} is seeded from the trainer's seed, the rank and the step:
 *       dropout differs between ranks and steps, and is the same when a run is repeated or resumed.
 *   <dt>Listeners
 *   <dd>The model's own fire on every rank, in the order of {@code fit}. {@code iterationDone} sees the score over all ranks;
 *       {@code onGradientCalculation} sees this rank's gradients, and does not fire if it has no examples in a step.
 *   <dt>Threading
 *   <dd>One thread, the one that drives the session; {@link #requestStop} may come from any.
 *   <dt>Failure
 *   <dd>{@link GyreException} and its kinds. If the loss or the gradient is not finite on any rank, all ranks fail in the same
 *       step, before its update.
 *   <dt>Ownership
 *   <dd>Model and session are borrowed. The model is a plain one at any time, but until the trainer is closed its gradients
 *       lie in memory that the ranks of a host share, and ND4J's memory is freed by {@link SafeReclamation}. Memory is not
 *       copied: do not call the model's {@code init} or {@code close} before the trainer is closed.
 * </dl>
 */
public final class DistributedTrainer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DistributedTrainer.class);

    private final Session session;
    private final World world;
    private final @Nullable Collective ownCollective;
    private final UpdateStrategy strategy;
    private final Session inStep;
    private final @Nullable StepListener stepListener;
    private final Network network;
    private final Replica replica;
    private final @Nullable GradientExchange duringPass;
    private final TrainingStep step;
    private final Checkpoints checkpoints;
    private final @Nullable SafeReclamation reclamation;

    private Progress progress;
    private int callsToSkip;
    private boolean resumed;
    private double score = Double.NaN;
    private volatile boolean stopRequested;

    private DistributedTrainer(Builder builder, @Nullable SafeReclamation reclamation) {
        this.reclamation = reclamation;
        session = builder.session;
        world = session.world();
        UpdateStrategy given = builder.strategy;
        session.agree("all-reduce", Map.of("algorithm", builder.algorithm.toString()));
        ownCollective = given != null ? null : Collectives.choose(session.endpoint(), builder.algorithm);
        strategy = ownCollective == null ? Objects.requireNonNull(given) : new Synchronous(ownCollective);
        List<Integer> together = strategy.ranksInStep(world);
        inStep = together.size() == world.size() ? session : session.group(together);
        stepListener = builder.stepListener;
        network = Network.of(builder.model);
        ModelChecks.check(network);
        replica = new Replica(network, builder.bucketBytes);
        checkSupported(builder);
        DeviceGradients.Source source =
                builder.gradientsOn == null ? DeviceGradients.Source.find() : builder.gradientsOn;
        boolean overlap = overlaps(builder.overlap, source != null);
        checkpoints = new Checkpoints(session, builder.checkpoints(), replica, builder.seed);
        session.agree("model and options", identity(builder, overlap));
        replica.moveGradients(strategy.allocateGradients(replica.gradients().byteLength()), source);
        duringPass = overlap ? new GradientExchange(strategy, replica, world.rank()) : null;
        MicroBatches batches = new MicroBatches(replica, builder.microBatches, world.rank(), builder.seed);
        step = new TrainingStep(session, inStep, strategy, replica, batches, duringPass);
        progress = start();
        callsToSkip = progress.callsDone();
        resumed = !progress.data().isEmpty();
    }

    /** A trainer with default options: synchronous, with the collectives that suit the network. Blocks until all ranks have called it. */
    public static DistributedTrainer of(Model model, Session session) {
        return builder(model, session).build();
    }

    /**
     * Begins a trainer with options.
     *
     * @param model an initialised {@code MultiLayerNetwork} or {@code ComputationGraph}
     */
    public static Builder builder(Model model, Session session) {
        return new Builder(model, session);
    }

    private void checkSupported(Builder builder) {
        if (!strategy.inLockStep() && builder.checkpointDirectory != null) {
            throw new IllegalArgumentException("checkpoints with the strategy " + strategy.name()
                    + ": ranks that do not train in step have no common state to save. Export the model at the end,"
                    + " or use the strategy allreduce");
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

    /** Decides whether gradients are exchanged during the backward pass; says why. */
    private boolean overlaps(Overlap wanted, boolean onDevice) {
        String obstacle = Overlap.obstacle(
                strategy,
                replica,
                inStep.world(),
                onDevice || Nd4j.getEnvironment().isCPU());
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
        Progress ofRoot = Progress.parse(OnRoot.call(session, "initial progress", () -> {
            Progress saved = checkpoints.openOnRoot();
            return (saved == null ? Progress.start(network.step(), network.epoch()) : saved).text();
        }));
        network.setProgress(ofRoot.step(), ofRoot.epoch());
        strategy.start(replica);
        replica.stateChanged();
        return ofRoot;
    }

    /**
     * Trains for a number of passes over the data. Blocks until they are done on all ranks, or a rank has asked to stop.
     *
     * <p>A pass that an earlier call left unfinished ({@link #fitSteps}, {@link #requestStop}) is continued if the data are the
     * same, and counts as the first.
     *
     * @param data made in the same way on all ranks
     * @param epochs passes over the data
     */
    public FitReport fit(ShardedData data, int epochs) {
        return fit(data, epochs, Long.MAX_VALUE);
    }

    /**
     * Trains for a number of steps, over as many passes as that takes. The next call continues where this one ends.
     *
     * @param steps optimiser steps
     */
    public FitReport fitSteps(ShardedData data, long steps) {
        return fit(data, Integer.MAX_VALUE, steps);
    }

    private FitReport fit(ShardedData data, int epochs, long steps) {
        Tally tally = new Tally(session.bytesSent());
        if (callsToSkip > 0) {
            callsToSkip--;
            return tally.report(session.bytesSent(), false);
        }
        session.agree(
                "training data",
                Map.of("data", data.description(), "epochs", String.valueOf(epochs), "steps", String.valueOf(steps)));
        progress = continueIn(data.description());
        long lastStep = steps > Long.MAX_VALUE - progress.callStep() ? Long.MAX_VALUE : progress.callStep() + steps;
        long lastEpoch = (long) progress.callEpoch() + epochs;
        goOnAt(strategy.resume(replica, progress.step()));
        boolean stopped = false;
        while (!stopped && progress.epoch() < lastEpoch && progress.step() < lastStep) {
            stopped = pass(data, lastStep, tally);
        }
        strategy.finish(replica);
        replica.parametersChanged();
        checkReplicas();
        checkpoints.afterCall(progress);
        progress = progress.afterCall();
        if (!strategy.inLockStep()) {
            // Each rank knows what its group had: one of them says so.
            tally.examples(sumOverRanks(inStep.world().isRoot() ? tally.examples() : 0));
            checkAnyExamples(data, tally);
        }
        return tally.report(session.bytesSent(), stopped);
    }

    /** One that was lost and has come back counts its steps from where the others are. */
    private void goOnAt(long where) {
        if (where != progress.step()) {
            LOG.info("{} goes on at step {}", session.members().get(world.rank()), where);
            progress = progress.atStep(Math.toIntExact(where));
            network.setProgress(progress.step(), progress.epoch());
        }
    }

    private static void checkAnyExamples(ShardedData data, Tally tally) {
        if (tally.examples() == 0) {
            throw new GyreException("no rank has any examples: the data set is empty (" + data.description() + ")");
        }
    }

    /** Ranks that have gone have brought what nobody knows. */
    private long sumOverRanks(long own) {
        byte[] value = ByteBuffer.allocate(Long.BYTES).putLong(own).array();
        return session.exchange("number of examples", value).stream()
                .filter(bytes -> bytes.length == Long.BYTES)
                .mapToLong(bytes -> ByteBuffer.wrap(bytes).getLong())
                .sum();
    }

    /** Finds the place in the data where training goes on. */
    private Progress continueIn(String data) {
        boolean sameData = data.equals(progress.data());
        if (resumed && !sameData && progress.position() > 0) {
            throw new GyreException("the run stopped in the middle of '" + progress.data() + "' and cannot go on in '"
                    + data + "': resume with the same data, or start without resuming");
        }
        Progress call = resumed ? progress : progress.beginCall(network.step(), network.epoch());
        resumed = false;
        return call.inData(data, sameData ? progress.position() : 0);
    }

    /** Trains to the end of the epoch, the last step, or the step after which a rank wants to stop: then returns true. */
    private boolean pass(ShardedData data, long lastStep, Tally tally) {
        boolean first = true;
        try (Pass pass = new Pass(data, world, progress.epoch(), progress.position())) {
            for (TrainingListener listener : network.listeners()) {
                listener.onEpochStart(network.model());
            }
            while (progress.step() < lastStep) {
                StepSummary total = step.run(pass.next().rows(), takeStopRequest(), progress.step());
                boolean stop = total.stop();
                if (total.examples() == 0) {
                    if (first && progress.position() == 0 && strategy.inLockStep()) {
                        checkAnyExamples(data, tally);
                    }
                    endEpoch(tally);
                    return stop;
                }
                first = false;
                score = total.meanScore();
                progress = progress.afterStep(network.step(), data.advance(progress.position(), world));
                tally.step(total, step.exchangeNanos(), step.exposedNanos());
                if (stepListener != null) {
                    stepListener.stepDone(progress.step(), progress.epoch(), total);
                }
                checkpoints.afterStep(progress);
                if (stop) {
                    return true;
                }
            }
            return false;
        }
    }

    private void endEpoch(Tally tally) {
        for (TrainingListener listener : network.listeners()) {
            listener.onEpochEnd(network.model());
        }
        progress = progress.afterEpoch();
        network.setProgress(progress.step(), progress.epoch());
        tally.epoch();
        checkReplicas();
        checkpoints.afterEpoch(progress);
    }

    private void checkReplicas() {
        if (strategy.keepsReplicasIdentical()) {
            ReplicaCheck.run(inStep, replica, progress.step());
        }
    }

    private boolean takeStopRequest() {
        boolean stop = stopRequested;
        stopRequested = false;
        return stop;
    }

    /**
     * Asks all ranks to stop. They do so together, after the step in which they learn of it: the one that runs now or the next.
     * A later {@code fit} starts again.
     */
    public void requestStop() {
        stopRequested = true;
    }

    /** Mean loss of the last step over the examples of all ranks, regularisation included; NaN before the first. */
    public double score() {
        return score;
    }

    /** Optimiser steps so far. */
    public long step() {
        return progress.step();
    }

    /** Passes over the data so far. */
    public int epoch() {
        return progress.epoch();
    }

    /** Classification measures over all ranks' shares of the data, for a model with one output. Equal on all ranks. */
    public Evaluation evaluate(ShardedData data) {
        return evaluate(data, new Evaluation());
    }

    /** As {@link #evaluate(ShardedData)}, each rank taking every N-th batch of equal iterators. */
    public Evaluation evaluate(DataSetIterator data) {
        return evaluate(ShardedData.of(data, Sharding.BATCHES));
    }

    /**
     * Evaluates a model with one output on all ranks.
     *
     * @param kind says what to measure; it is not changed. Any that can be merged and written as JSON: an ROC needs thresholds
     * @return a new evaluation over all ranks' shares of the data, equal on all ranks
     * @param <T> kind of evaluation
     */
    public <T extends IEvaluation<T>> T evaluate(ShardedData data, T kind) {
        List<IEvaluation<?>> ofOutput =
                evaluate(data, Map.of(0, List.of(kind))).values().iterator().next();
        @SuppressWarnings("unchecked") // The result is of the kind that was given.
        T merged = (T) ofOutput.get(0);
        return merged;
    }

    /**
     * As {@link #evaluate(ShardedData, IEvaluation)}, with several evaluations of several outputs in one pass.
     *
     * @param kinds for each output that is to be evaluated, from 0
     */
    public Map<Integer, List<IEvaluation<?>>> evaluate(ShardedData data, Map<Integer, List<IEvaluation<?>>> kinds) {
        MergedEvaluation evaluation = new MergedEvaluation(network, session);
        return evaluation.run(data.pass(evaluation.present(), 0, 0), kinds);
    }

    /** SHA-256 of this rank's parameters, as hexadecimal digits. */
    public String parametersSha256() {
        return Checksums.sha256(replica.parameters());
    }

    /** {@link #parametersSha256} of every rank, by rank. All ranks call it together. */
    public List<String> parametersSha256OfAllRanks() {
        List<String> all = new ArrayList<>();
        for (byte[] bytes : session.exchange(
                "checksums of the parameters", parametersSha256().getBytes(StandardCharsets.UTF_8))) {
            all.add(new String(bytes, StandardCharsets.UTF_8));
        }
        return all;
    }

    /**
     * Writes the model as a plain Deeplearning4j file ({@code ModelSerializer}), updater state included. All ranks call it
     * together; rank 0 writes. An existing file is replaced in one step, once the new one is complete.
     */
    public void exportModel(Path file) {
        OnRoot.call(session, "export to " + file, () -> {
            ModelExport.write(network.model(), file);
            return "";
        });
    }

    /** Gives the memory back to the model, which stays as it is. A second call does nothing. */
    @Override
    public void close() {
        if (duringPass != null) {
            duringPass.close();
        }
        replica.close();
        if (ownCollective != null) {
            ownCollective.close();
        }
        if (reclamation != null) {
            reclamation.close();
        }
    }

    /** Options of a trainer. All ranks give the same. */
    public static final class Builder {

        /** The best of 2 to 32 MB for ResNet-50's gradients on two hosts with 1 Gbit/s; docs/benchmarks.md has the figures. */
        private static final long DEFAULT_BUCKET_BYTES = 8L << 20;

        private final Model model;
        private final Session session;
        private @Nullable UpdateStrategy strategy;
        private @Nullable StepListener stepListener;
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

        private Builder(Model model, Session session) {
            this.model = model;
            this.session = session;
        }

        /** How ranks turn their gradients into a common model. Default: {@link Synchronous} with {@link Collectives#choose}. */
        public Builder strategy(UpdateStrategy value) {
            strategy = value;
            return this;
        }

        /** How the default strategy combines gradients. Another strategy has collectives of its own. Default: {@link Algorithm#AUTO}. */
        public Builder algorithm(Algorithm value) {
            algorithm = value;
            return this;
        }

        /** Seed of dropout and other noise inside the model. Default: 0. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Most bytes of gradients that are sent as one vector. Default: 8 MiB. */
        public Builder bucketBytes(long value) {
            bucketBytes = positive("bucketBytes", value);
            return this;
        }

        /**
         * In how many passes a rank's batch goes through the model. Their gradients are added up before the exchange (gradient
         * accumulation): the step is that of the whole batch, with the memory of a part. BatchNorm sees parts. Default: 1.
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

        /** Hears of every step. */
        public Builder stepListener(StepListener value) {
            stepListener = value;
            return this;
        }

        /**
         * Directory of checkpoints, on rank 0's host; created if it is missing. Without another option one is written at the end
         * of every epoch. Default: none.
         */
        public Builder checkpointDirectory(Path value) {
            checkpointDirectory = value;
            return this;
        }

        /** Writes a checkpoint after every so many steps. */
        public Builder checkpointEverySteps(long value) {
            checkpointEverySteps = positive("checkpointEverySteps", value);
            return this;
        }

        /** Writes a checkpoint after every so many epochs. */
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
         * Whether to go on from the newest complete checkpoint in the directory. If there is none, the run starts from the
         * beginning. The program is the same as in the run before: calls of {@code fit} that were finished return at once.
         */
        public Builder resume(boolean value) {
            resume = value;
            return this;
        }

        /**
         * Whether the trainer holds a {@link SafeReclamation} until it is closed, without which ND4J may crash in a
         * collection of garbage. It changes ND4J's global state. Each rank may choose for itself. Default: true.
         */
        public Builder safeReclamation(boolean value) {
            safeReclamation = value;
            return this;
        }

        /** Where the gradients are, if not where ND4J says: for tests with a device that is played. */
        Builder gradientsOn(DeviceGradients.Source value) {
            gradientsOn = value;
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

        /** Makes the trainer. Blocks until all ranks have called it. */
        public DistributedTrainer build() {
            SafeReclamation reclamation = safeReclamation ? SafeReclamation.install() : null;
            try {
                return new DistributedTrainer(this, reclamation);
            } catch (Throwable failure) {
                if (reclamation != null) {
                    reclamation.close();
                }
                throw failure;
            }
        }
    }
}
