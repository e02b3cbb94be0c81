package io.gyre.dl4j;

import io.gyre.OptionRange;
import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.memory.SafeReclamation;
import io.gyre.kernel.GradientCodec;
import io.gyre.observe.FlightRecorderEvents;
import io.gyre.observe.Timeline;
import io.gyre.session.SeatedRun;
import io.gyre.session.Session;
import io.gyre.session.UserCode;
import io.gyre.training.GenerationStrategy;
import io.gyre.training.StallReport;
import io.gyre.training.StepDriver;
import io.gyre.training.StepObserver;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Options of a {@link DistributedTrainer}, from {@link DistributedTrainer#builder}. All ranks must set the same, unless
 * an option says otherwise.
 */
public final class TrainerBuilder {

    /**
     * The fastest of 2 to 32 MB for ResNet-50's gradients on two hosts with 1 Gbit/s; docs/benchmarks.md has the
     * figures.
     */
    private static final long DEFAULT_BUCKET_BYTES = 8L << 20;

    private static final Duration DEFAULT_STALL_REPORT = Duration.ofSeconds(30);
    private static final Logger LOG = LoggerFactory.getLogger(StallReport.class);

    final Object model;
    private final Function<Opened, Joined> join;
    private final List<StepObserver> observers = new ArrayList<>();
    private final List<StepObserver> rootObservers = new ArrayList<>();

    @Nullable UpdateStrategy strategy;

    @Nullable GenerationStrategy generations;

    @Nullable ProgressListener progressListener;

    @Nullable Path timeline;

    long seed;
    long bucketBytes = DEFAULT_BUCKET_BYTES;
    Algorithm algorithm = Algorithm.AUTO;
    int microBatches = 1;
    boolean synchronousBatchNorm;
    Overlap overlap = Overlap.AUTO;
    DeviceGradients.@Nullable Source gradientsOn;

    @Nullable Supplier<? extends GradientCodec> compression;

    /** 0 for none. */
    int powerSgdRank;

    boolean mixedPrecision;
    int stepsToRaise = LossScale.STEPS_TO_RAISE;
    long leastSliceBytes = ReplicaSlices.LEAST_BYTES;
    Sharding sharding = Sharding.EXAMPLES;
    ShardedUpdate shardedUpdate = ShardedUpdate.AUTO;

    /** Null for the default. */
    @Nullable Boolean startupCheck;

    private @Nullable Path checkpointDirectory;
    private long checkpointEverySteps;
    private int checkpointEveryEpochs;
    private int keepCheckpoints = 3;
    private boolean checkpointsRequired = true;
    private boolean resume;
    private boolean safeReclamation = true;
    private boolean flightRecorder = true;
    private @Nullable Duration stallReport;
    private LongSupplier stallClock = System::nanoTime;
    private Consumer<String> stallLog = LOG::warn;
    Consumer<String> startupLog = LoggerFactory.getLogger(LimitCheck.class)::info;

    /** A run that a trainer has joined: either its session, or its seats. */
    record Joined(@Nullable Session session, @Nullable SeatedRun seats) {

        /** This process, for messages. */
        String name() {
            return session == null ? "this process" : RankTexts.ownName(session);
        }
    }

    TrainerBuilder(Object model, Session session) {
        this(model, opened -> new Joined(session, null));
    }

    /**
     * Creates a builder of a trainer that joins a run.
     *
     * @param join joins the run, when the trainer is built; the trainer closes what is opened for it
     */
    TrainerBuilder(Object model, Function<Opened, Joined> join) {
        this.model = model;
        this.join = join;
    }

    /** The training strategy. Default: {@link Synchronous} with {@link Collectives#choose}. */
    public TrainerBuilder strategy(UpdateStrategy value) {
        strategy = value;
        return this;
    }

    /**
     * The training strategy of a run whose processes may change, made anew for each generation. Without checkpoints.
     * Default: {@link Synchronous}, as without one.
     *
     * @param value this process's own; borrowed
     */
    public TrainerBuilder strategy(GenerationStrategy value) {
        generations = value;
        return this;
    }

    /**
     * How the default strategy reduces gradients. Other strategies have their own collectives. Default: {@link
     * Algorithm#AUTO}.
     */
    public TrainerBuilder algorithm(Algorithm value) {
        algorithm = value;
        return this;
    }

    /**
     * In which numbers the default strategy sends the gradients of FLOAT models in messages, such as {@code
     * Bfloat16Codec::new} or {@link io.gyre.kernel.GradientCodecs#of}. What ranks add up in shared memory stays FLOAT.
     * All other strategies have their own collectives, which take a codec: {@link Collectives#choose}. Default: FLOAT.
     *
     * @param value makes this rank's own codec
     */
    public TrainerBuilder compress(Supplier<? extends GradientCodec> value) {
        compression = value;
        return this;
    }

    /**
     * The default strategy sends the gradients of weights in messages as factors of low rank, by {@link
     * io.gyre.allreduce.PowerSgd}: r(m + n) floats instead of m n, for a matrix of m rows and n columns. What that
     * loses is sent later. Biases, and weights of which it would save nothing, are sent as they are. For FLOAT models;
     * not with {@link #compress}, {@link #mixedPrecision}, or processes that may hold several ranks. Default: none.
     *
     * @param matrixRank r, 1 or more; 2 to 4 for most models
     */
    public TrainerBuilder powerSgd(int matrixRank) {
        powerSgdRank = (int) positive("powerSgd", matrixRank);
        return this;
    }

    /**
     * Mixed precision: parameters, updater and computation stay FLOAT, and the default strategy exchanges gradients in
     * fp16, unless {@link #compress} names another codec. With fp16, gradients are multiplied by a loss scale before
     * they are rounded. It is halved in a step whose sums overflow, whose update all ranks skip, and doubled after
     * 2,000 steps without an overflow. It is part of checkpoints. bf16 needs none. Default: false.
     *
     * <p>Micikevicius et al., <i>Mixed Precision Training</i>, ICLR 2018.
     */
    public TrainerBuilder mixedPrecision(boolean value) {
        mixedPrecision = value;
        return this;
    }

    /** Seed of dropout and other noise inside the model. Default: 0. */
    public TrainerBuilder seed(long value) {
        seed = value;
        return this;
    }

    /** Largest size of a bucket, in bytes. Default: 8 MiB. */
    public TrainerBuilder bucketBytes(long value) {
        bucketBytes = positive("bucketBytes", value);
        return this;
    }

    /**
     * Number of passes into which a rank's batch is split. Their gradients are accumulated before the exchange: the
     * step is that of the whole batch, with the activation memory of a part. BatchNorm sees parts. Default: 1.
     */
    public TrainerBuilder microBatches(int value) {
        microBatches = (int) positive("microBatches", value);
        return this;
    }

    /**
     * Whether every {@code BatchNormalization} layer uses the mean and variance of the whole batch, forward and
     * backward, instead of those of each rank's part. N ranks then equal one process with the whole batch. Costs two
     * small exchanges for each layer and step, for which the ranks wait for each other. Inference does not change. The
     * ranks in step share statistics: all, or with hybrid those of a group. Rejected with micro-batches, and for ranks
     * that take their steps alone. Default: false.
     */
    public TrainerBuilder synchronousBatchNorm(boolean value) {
        synchronousBatchNorm = value;
        return this;
    }

    /** Whether gradients are exchanged during the backward pass. Default: {@link Overlap#AUTO}. */
    public TrainerBuilder overlap(Overlap value) {
        overlap = value;
        return this;
    }

    /**
     * Whether the ranks of a host divide the update of the default strategy among them, and share the updater's state.
     * Default: {@link ShardedUpdate#AUTO}.
     */
    public TrainerBuilder shardedUpdate(ShardedUpdate value) {
        shardedUpdate = value;
        return this;
    }

    /**
     * How the trainer divides data that are not {@link ShardedData}: the iterators, batches and arrays that a model's
     * own {@code fit} takes. Default: {@link Sharding#EXAMPLES}.
     */
    public TrainerBuilder sharding(Sharding value) {
        sharding = value;
        return this;
    }

    /** Called after every step. Each rank may have a different one. Default: none. */
    public TrainerBuilder progressListener(ProgressListener value) {
        progressListener = value;
        return this;
    }

    /** Observes this rank's training; may be called several times, and differ between ranks. */
    public TrainerBuilder observer(StepObserver value) {
        observers.add(value);
        return this;
    }

    /** As {@link #observer}, on rank 0 only: for what is shown or written once for all ranks. */
    public TrainerBuilder rootObserver(StepObserver value) {
        rootObservers.add(value);
        return this;
    }

    /** Whether the JDK's Flight Recorder gets {@link FlightRecorderEvents} where it is in use. Default: true. */
    public TrainerBuilder flightRecorder(boolean value) {
        flightRecorder = value;
        return this;
    }

    /**
     * File of a timeline of all ranks, in the format of Chrome's traces: written at the end by rank 0, and meanwhile by
     * each rank into a part beside it, {@code FILE.rank-N.part}. Its directory must exist on every host. All ranks set
     * one, or none. Default: none. See {@link Timeline}.
     */
    public TrainerBuilder timeline(Path value) {
        timeline = value;
        return this;
    }

    /**
     * After which time without the end of a step this rank logs where it is, for whom it waits, and the stacks of its
     * threads: see {@link StallReport}. Zero for never. Default: 30 s if there are several ranks, and otherwise never,
     * since a rank alone needs a thread for it.
     */
    public TrainerBuilder stallReport(Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException("stallReport: " + value + " is negative; zero is never");
        }
        stallReport = value;
        return this;
    }

    /** Whose time stalls are measured by, and who is told of them: for tests. */
    TrainerBuilder stallReport(Duration value, LongSupplier clock, Consumer<String> log) {
        stallClock = clock;
        stallLog = log;
        return stallReport(value);
    }

    /** The observers of a rank, in a new list; the Flight Recorder is one where it is in use. */
    List<StepObserver> observersOf(World world) {
        List<StepObserver> own = new ArrayList<>(observers);
        if (world.isRoot()) {
            own.addAll(rootObservers);
        }
        if (flightRecorder && FlightRecorderEvents.isInUse()) {
            own.add(new FlightRecorderEvents());
        }
        return own;
    }

    /** Null if nothing is to be reported. */
    @Nullable StallReport stalls(Session session, StepDriver driver, UserCode code) {
        Duration limit = stallReport;
        if (limit == null) {
            limit = session.world().size() > 1 ? DEFAULT_STALL_REPORT : Duration.ZERO;
        }
        return limit.isZero()
                ? null
                : new StallReport(session, driver.place(), code, limit, stallClock, stallLog, driver.observers());
    }

    /**
     * Directory of checkpoints, on rank 0's host; created if missing, and tested at the start. By default a checkpoint
     * is written at the end of every epoch. A failed write is logged, and the next checkpoint is tried when due; at the
     * end of {@code fit} it is an error. Default: none.
     */
    public TrainerBuilder checkpointDirectory(Path value) {
        checkpointDirectory = value;
        return this;
    }

    /** Writes a checkpoint each time this many steps are done, at the end of the batch in which they are. */
    public TrainerBuilder checkpointEverySteps(long value) {
        checkpointEverySteps = positive("checkpointEverySteps", value);
        return this;
    }

    /** Writes a checkpoint each time this many epochs are done. */
    public TrainerBuilder checkpointEveryEpochs(int value) {
        checkpointEveryEpochs = (int) positive("checkpointEveryEpochs", value);
        return this;
    }

    /**
     * Whether {@code fit} fails if its last checkpoint cannot be written. Otherwise that is a warning, as it is for
     * those before. Default: true.
     */
    public TrainerBuilder checkpointsRequired(boolean value) {
        checkpointsRequired = value;
        return this;
    }

    /** How many checkpoints are kept; older ones are deleted. Default: 3. */
    public TrainerBuilder keepCheckpoints(int value) {
        keepCheckpoints = (int) positive("keepCheckpoints", value);
        return this;
    }

    /**
     * Whether to resume from the newest intact checkpoint in the directory. If there is none, the run starts from the
     * beginning. The program must be the same as in the previous run: calls of {@code fit} that had finished return at
     * once.
     */
    public TrainerBuilder resume(boolean value) {
        resume = value;
        return this;
    }

    /**
     * Whether the trainer holds a {@link SafeReclamation} until it is closed. Without it ND4J may crash during a
     * garbage collection. It changes ND4J's global state. Each rank may choose for itself. Default: true.
     */
    public TrainerBuilder safeReclamation(boolean value) {
        safeReclamation = value;
        return this;
    }

    /**
     * Whether the ranks measure, for at most a second, what they have to live on, and rank 0 logs what limits the run:
     * once before the first step, and once after some. Does not change results. Default: if there are several ranks,
     * and they are processes.
     */
    public TrainerBuilder startupCheck(boolean value) {
        startupCheck = value;
        return this;
    }

    /** Where the gradients are, if not where ND4J says: for tests with a simulated device. */
    TrainerBuilder gradientsOn(DeviceGradients.Source value) {
        gradientsOn = value;
        return this;
    }

    /** Steps without an overflow after which the loss scale is doubled: for tests, which are short. */
    TrainerBuilder stepsToRaise(int value) {
        stepsToRaise = value;
        return this;
    }

    /** Takes what the start-up check says: for tests. */
    TrainerBuilder startupLog(Consumer<String> log) {
        startupLog = log;
        return this;
    }

    /** See {@link ReplicaSlices}: for tests, whose models are small. */
    TrainerBuilder leastSliceBytes(long value) {
        leastSliceBytes = value;
        return this;
    }

    private static long positive(String option, long value) {
        OptionRange.check(option, value, 1, Long.MAX_VALUE);
        return value;
    }

    Checkpoints.Options checkpoints() {
        boolean byDefault = checkpointEverySteps == 0 && checkpointEveryEpochs == 0;
        return new Checkpoints.Options(
                checkpointDirectory,
                checkpointEverySteps,
                byDefault ? 1 : checkpointEveryEpochs,
                keepCheckpoints,
                resume,
                checkpointsRequired);
    }

    /** Creates the trainer. Blocks until all ranks have called it. */
    public DistributedTrainer build() {
        Opened opened = new Opened();
        try {
            Joined joined = join.apply(opened);
            if (safeReclamation) {
                opened.onClose(SafeReclamation.install()::close);
            }
            // Before the first wait for all ranks: the second claim is rejected, whichever rank is faster.
            opened.onClose(Claim.of(List.of(model), joined.name(), Claim.Use.NOW)::close);
            return new DistributedTrainer(this, joined, opened);
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
