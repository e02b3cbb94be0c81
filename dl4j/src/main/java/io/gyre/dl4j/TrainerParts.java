package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.allreduce.DirectCollective;
import io.gyre.allreduce.PowerSgd;
import io.gyre.allreduce.PowerSgdCollective;
import io.gyre.allreduce.RingCollective;
import io.gyre.memory.MemoryBox;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.network.WaitObserver;
import io.gyre.observe.Timeline;
import io.gyre.session.Session;
import io.gyre.training.BucketPlan;
import io.gyre.training.GenerationStrategy;
import io.gyre.training.LocalState;
import io.gyre.training.StepDriver;
import io.gyre.training.StepObserver;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parts of a trainer, put together in one order on all ranks. They agree on the options before memory is shared,
 * and at the end all have rank 0's state.
 *
 * <p>What is opened on the way is closed by the caller's {@link Opened}, also if the constructor fails.
 */
final class TrainerParts {

    private static final Logger LOG = LoggerFactory.getLogger(TrainerParts.class);

    /** Answers of a process that takes over. */
    private static final int NEEDS_STATE = 1;

    private static final int NEEDS_MODELS = 2;

    final Session session;
    /** The ranks that take each step together. */
    final Session inStep;
    /** Those of them whose replicas are equal: with local steps not all. */
    private final Session equal;

    final TrainedModel network;
    final LossWatch watch;
    final Replica replica;
    final ReplicaCheck replicas;
    final Checkpoints checkpoints;
    final Cuts cuts;
    final DataInUse data;
    final RowsFromRoot rowsFromRoot;
    final PlainData plain;
    final TrainingStep step;
    final ExchangeTimer timer = new ExchangeTimer();
    final StepDriver driver;
    final TrainerEvents events;
    final @Nullable ProgressListener progressListener;
    /** Where the run begins, is resumed, or continues with other processes. */
    final Handover start;

    final @Nullable LossScale lossScale;
    final @Nullable Timeline timeline;
    /** In a run with seats whose batches take several steps. */
    final @Nullable BatchBorder border;
    /** In a run with seats, on a process that has to do with copies of the state. */
    final @Nullable LastCopy lastCopy;

    final Algorithm algorithm;
    private final World world;
    private final Seats seats;
    private final UpdateStrategy strategy;
    /** Of the codecs; null if they have none. */
    private @Nullable RankResiduals residuals;

    /** Puts the parts together. All ranks call it together. */
    TrainerParts(TrainerBuilder options, Session session, Opened opened) {
        this(options, session, null, opened);
    }

    /**
     * Puts the parts together for a generation of a run with seats.
     *
     * @param carried what this process brings; null in a run whose processes do not change
     */
    TrainerParts(TrainerBuilder options, Session session, @Nullable Carried carried, Opened opened) {
        this.session = session;
        world = session.world();
        progressListener = options.progressListener;
        network = TrainedModel.of(options.model);
        opened.onClose(network::close);
        seats = Seats.of(session);
        Compression compression = Compression.of(options, network.parameters().dataType(), seats.count());
        PowerSgd powerSgd = LowRankGradients.of(options, network, session);
        String sent = powerSgd == null ? compression.toString() : powerSgd.name();
        session.agree("all-reduce", Map.of("algorithm", options.algorithm.toString(), "compression", sent));
        SeatChecks.checkOptions(options, session);
        SeatChecks.checkGenerations(options, carried != null);
        if (carried != null) {
            SeatChecks.checkGenerations(compression);
        }
        algorithm = carried == null ? options.algorithm : ofAllGenerations(options.algorithm, carried);
        strategy = options.strategy != null
                ? options.strategy
                : inGeneration(
                        options.generations, carried, synchronous(algorithm, compression, powerSgd, opened), opened);
        List<Integer> together = strategy.reduction().ranks(world);
        inStep = together.size() == world.size() ? session : session.group(together);
        List<Integer> equalRanks = strategy.reduction().equalRanks(world);
        equal = equalRanks.size() == together.size() ? inStep : session.group(equalRanks);
        network.check(world.size() > 1 || options.microBatches > 1);
        checkSupported(options.checkpoints());
        if (options.synchronousBatchNorm) {
            BatchStatisticsOfAllRanks.check(world.size(), equalRanks.size(), options.microBatches, strategy.name());
        }
        watch = new LossWatch(session, inStep);

        ModelLayout layout = network.layout();
        BucketPlan plan = powerSgd == null
                ? layout.bucketPlan(options.bucketBytes)
                : layout.bucketPlanOfWholeLayers(options.bucketBytes);
        DeviceGradients.Source source = source(options, opened);
        SeatChecks.checkPlace(session, source);
        boolean overlap = options.overlap.decide(plan, exchanging(), source != null, world.isRoot());
        session.agree("model and options", identity(options, layout, plan, overlap));
        session.agree("timeline", Map.of("written", String.valueOf(options.timeline != null)));
        session.agree("batch normalisation", Map.of("synchronous", String.valueOf(options.synchronousBatchNorm)));

        lossScale = compression.lossScale();
        if (lossScale != null && carried != null && carried.lossScale() != null) {
            lossScale.continueFrom(carried.lossScale());
        }
        long gradientBytes = network.gradients().length() * layout.elementType().bytes();
        // The links of seats are not those of processes, which change.
        List<StepObserver> limits = session.hasSeats()
                ? List.of()
                : LimitCheck.run(
                        options.startupCheck,
                        options.startupLog,
                        session,
                        equal,
                        gradientBytes,
                        powerSgd == null
                                ? compression.encodedBytes(gradientBytes)
                                : powerSgd.sentBytes(gradientBytes / Float.BYTES));
        ReplicaPart further =
                lossScale != null ? lossScale.part() : powerSgd != null ? LowRankGradients.part(powerSgd) : null;
        replica = new Replica(network, plan, place(layout, plan, source, opened), watch.code(), further);
        border = carried == null || network.segmentLength() == Segments.NONE ? null : new BatchBorder(replica);
        if (border != null) {
            opened.onClose(border::close);
        }
        replicas = new ReplicaCheck(equal, replica, options.leastSliceBytes);
        Checkpoints.Options saved = carried == null || carried.generation().number() == 1
                ? options.checkpoints()
                : options.checkpoints().ofRunUnderWay();
        if (carried != null && carried.copy() != null) {
            carried.copy().load(replica, options.seed);
        }
        LocalState local = strategy.exchange().localState();
        RankParts ofRanks = local == null ? residuals : new LocalReplicas(session, strategy, local, replica);
        checkpoints = new Checkpoints(session, saved, replica, replicas, options.seed, ofRanks);
        plain = new PlainData(options.sharding);
        rowsFromRoot = new RowsFromRoot(session);
        opened.onClose(rowsFromRoot::close);
        data = new DataInUse(session, watch, rowsFromRoot);
        opened.onClose(data::close);
        BooleanSupplier adjourned = carried == null ? () -> false : carried.run()::isAdjourned;
        step = new TrainingStep(
                session,
                inStep,
                strategy.reduction(),
                replica,
                seatParts(options, opened),
                replicas,
                watch.code(),
                lossScale,
                adjourned);
        List<StepObserver> observers = options.observersOf(world);
        timeline = options.timeline == null
                ? null
                : carried == null
                        ? Timeline.begin(session, options.timeline)
                        : Timeline.beginGeneration(
                                session, options.timeline, carried.generation().number());
        if (timeline != null) {
            observers.add(timeline);
        }
        boolean listened = !observers.isEmpty();
        observers.add(timer);
        observers.addAll(limits);
        driver = new StepDriver(
                session,
                UpdateShards.arrange(options.shardedUpdate, strategy, session, replica, overlap, opened),
                replica,
                overlap,
                observers);
        cuts = new Cuts(session, strategy, driver, replica, checkpoints);
        opened.onClose(checkpoints::loaded);
        opened.onClose(driver.observers()::trainingEnded);
        opened.onClose(driver::close);
        observeWaits(driver.place(), opened);
        if (listened) {
            observeWaits(driver.observers(), opened);
        }
        start = carried != null && carried.generation().hasState()
                ? takeOver(carried, options.generations != null)
                : start();
        lastCopy = carried == null ? null : LastCopy.ofGeneration(carried, replica, options.seed);
        events = new TrainerEvents(session, driver, listened);
        watch.start(options.stalls(session, driver, watch.code()));
        opened.onClose(watch::close);
        driver.observers().trainingBegan(world, session.members());
    }

    /** The ranks that exchange something during, or after, a backward pass. */
    private Session exchanging() {
        boolean others = strategy.exchange().exchangesDuringPass();
        return strategy.reduction().isLocal(0) && !others ? equal : inStep;
    }

    private void observeWaits(WaitObserver observer, Opened opened) {
        session.waitObservers().add(observer);
        opened.onClose(() -> session.waitObservers().remove(observer));
    }

    private UpdateStrategy inGeneration(
            @Nullable GenerationStrategy generations, @Nullable Carried carried, Synchronous inGroup, Opened opened) {
        if (generations == null || carried == null) {
            return inGroup;
        }
        // What it has begun ends before the collectives are closed, also if it fails.
        opened.onClose(generations::end);
        return generations.begin(inGroup, session, carried.generation().hasState(), carried.calls()::made);
    }

    private Synchronous synchronous(
            Algorithm algorithm, Compression compression, @Nullable PowerSgd powerSgd, Opened opened) {
        Session ofLeads = session.ofLeads();
        Collective[] collectives = new Collective[seats.count()];
        session.onSeats(seat -> collectives[seat] =
                Collectives.choose(session.seats().get(seat).endpoint(), algorithm, compression.codec(seat)));
        if (powerSgd != null) {
            collectives[0] = PowerSgdCollective.over(collectives[0], powerSgd);
        }
        for (Collective each : collectives) {
            opened.onClose(each::close);
        }
        boolean alone = ofLeads == session;
        Collective control = alone ? collectives[0] : ofLeads(ofLeads.endpoint(), algorithm);
        if (compression.hasResiduals()) {
            residuals = new RankResiduals(session, control, compression.codecs());
        } else if (powerSgd != null) {
            residuals = new RankResiduals(session, control, powerSgd.name(), List.of(powerSgd.residual()));
        }
        if (alone) {
            return new Synchronous(control);
        }
        opened.onClose(control::close);
        return new Synchronous(session, List.of(collectives), control);
    }

    /**
     * The algorithm with which the run began: the choice by placement would give other sums when seats move to other
     * hosts.
     */
    private Algorithm ofAllGenerations(Algorithm asked, Carried carried) {
        boolean together = session.endpoint().boxes().ranks().size() == world.size();
        if (!carried.generation().hasState()) {
            return asked != Algorithm.AUTO ? asked : together ? Algorithm.DIRECT : Algorithm.RING;
        }
        Algorithm begun = Algorithm.of(
                OnRoot.call(session, carried.generation().source(), "algorithm of the sums", carried::algorithm));
        if (begun == Algorithm.DIRECT && !together) {
            if (world.isRoot()) {
                LOG.warn("Ranks have moved to a host with which the others share no memory: gradients are summed on a"
                        + " ring from now on, and round otherwise. --algorithm ring sums in the same order everywhere");
            }
            return Algorithm.RING;
        }
        return begun;
    }

    /** For what is not a gradient. */
    private static Collective ofLeads(Endpoint leads, Algorithm algorithm) {
        int processes = leads.world().size();
        boolean together = processes > 1 && leads.boxes().ranks().size() == processes;
        return together && algorithm != Algorithm.RING ? new DirectCollective(leads) : new RingCollective(leads);
    }

    private List<SeatPart> seatParts(TrainerBuilder options, Opened opened) {
        BatchStatistics statistics = statistics(options, opened);
        EarlierPasses earlier = replica.earlierPasses();
        return seats.ranks().stream()
                .map(rank -> new SeatPart(
                        new MicroBatches(replica, options.microBatches, earlier, rank, options.seed, statistics)))
                .toList();
    }

    private BatchStatistics statistics(TrainerBuilder options, Opened opened) {
        if (!options.synchronousBatchNorm || equal.world().size() == 1) {
            return BatchStatistics.OWN;
        }
        if (!(network instanceof Network ofLayers)) {
            throw new IllegalArgumentException("synchronousBatchNorm: a SameDiff graph normalises its batches itself");
        }
        if (!BatchStatisticsOfAllRanks.concerns(ofLayers)) {
            return BatchStatistics.OWN;
        }
        BatchStatisticsOfAllRanks statistics = new BatchStatisticsOfAllRanks(ofLayers, equal);
        opened.onClose(statistics::close);
        return statistics;
    }

    private void checkSupported(Checkpoints.Options checkpointing) {
        String obstacle = strategy.exchange().checkpointObstacle();
        if (!obstacle.isEmpty() && checkpointing.directory() != null) {
            throw new IllegalArgumentException("checkpoints with the strategy " + strategy.name() + ": " + obstacle
                    + ". Export the model at the end, or use the strategy allreduce");
        }
    }

    private DeviceGradients.@Nullable Source source(TrainerBuilder options, Opened opened) {
        DeviceGradients.Source source =
                options.gradientsOn == null ? DeviceGradients.Source.find(session) : options.gradientsOn;
        if (source != null) {
            opened.onClose(source.devices()::close);
        }
        return source;
    }

    /** What must be the same on all ranks. */
    private Map<String, String> identity(TrainerBuilder options, ModelLayout layout, BucketPlan plan, boolean overlap) {
        // Of classes in a directory, it is null.
        String version = TrainerParts.class.getPackage().getImplementationVersion();
        return Map.ofEntries(
                Map.entry("version of Gyre", String.valueOf(version)),
                Map.entry("micro-batches", String.valueOf(options.microBatches)),
                Map.entry("model", network.model().getClass().getSimpleName()),
                Map.entry("data type", layout.dataType()),
                Map.entry("parameters", String.valueOf(network.parameters().length())),
                Map.entry("configuration", ModelFingerprint.of(network.configurationJson())),
                Map.entry("buckets", plan.fingerprint()),
                Map.entry("overlap", String.valueOf(overlap)),
                Map.entry("strategy", strategy.description()),
                Map.entry("seed", String.valueOf(options.seed)),
                Map.entry("checkpoints", options.checkpoints().toCompare()));
    }

    private GradientPlace place(
            ModelLayout layout, BucketPlan plan, DeviceGradients.@Nullable Source source, Opened opened) {
        long bytes = network.gradients().length() * layout.elementType().bytes();
        MemoryBox box = strategy.reduction().allocate(bytes);
        opened.onClose(box::close);
        GradientPlace place = GradientPlace.choose(network, plan, world, box, source);
        opened.onClose(place::close);
        return place;
    }

    /** Gives all ranks rank 0's state. */
    private Handover start() {
        Beginning ofRoot = Beginning.parse(OnRoot.call(session, "initial progress", () -> {
            Beginning saved = checkpoints.openOnRoot();
            checkHasNoOther(checkpoints.resumed());
            return (saved == null ? Beginning.ofNewRun(Progress.start(network.step(), network.epoch())) : saved).text();
        }));
        CutStart cut = cuts.areOn() ? new CutStart(session, strategy, driver, replica, checkpoints) : null;
        Progress begin = cut == null ? ofRoot.progress() : cut.read(ofRoot);
        network.setProgress(begin.step(), begin.epoch());
        driver.start();
        replica.stateChanged();
        if (cut != null) {
            cut.restore();
            if (cut.cut() != null) {
                cuts.continueFrom(cut.cut());
            }
            replicas.check(begin.step());
        } else if (ofRoot.isResumed()) {
            replicas.verify(ofRoot.stateChecksum(), "the checkpoint of step " + begin.step(), begin.step());
            checkpoints.restoreRanks(begin.step());
        } else {
            replicas.check(begin.step());
        }
        checkpoints.loaded();
        boolean resumed = !begin.data().isEmpty();
        return new Handover(begin, resumed, begin.callsDone(), -1, false, false, Double.NaN, null, algorithm);
    }

    /** Fails, or warns, if a checkpoint has what only another strategy or codec can use; null for no checkpoint. */
    private void checkHasNoOther(@Nullable CheckpointFile file) {
        if (!cuts.areOn()) {
            CutStart.checkNone(file, strategy.name());
        }
        if (strategy.exchange().localState() == null) {
            LocalReplicas.checkNone(file, strategy.name());
        }
        if (residuals == null) {
            RankResiduals.warnOfThoseIn(file);
        }
    }

    /**
     * Gives all processes the newest state, if any lacks it.
     *
     * @param exchanges whether the strategy exchanges parameters: then those with as many steps may differ, too
     */
    private Handover takeOver(Carried carried, boolean exchanges) {
        Handover own = carried.handover();
        int source = carried.generation().source();
        String newest = OnRoot.call(session, source, "newest progress", carried::text);
        Handover begin = carried.newest(newest);
        boolean isSource = session.seating().of(world.rank()).contains(source);
        boolean lacks = own == null || own.progress().step() != begin.progress().step() || (exchanges && !isSource);
        int needs = (lacks ? NEEDS_STATE : 0) | (carried.kept().lacks(newest) ? NEEDS_MODELS : 0);
        int ofAll = session.exchange("who lacks the newest state", new byte[] {(byte) needs}).stream()
                .mapToInt(answer -> answer[0])
                .reduce(0, (some, more) -> some | more);
        int step = begin.progress().step();
        int giver = session.seating().indexOf(source);
        network.setProgress(step, begin.progress().epoch());
        driver.start(giver, (ofAll & NEEDS_STATE) != 0);
        replica.stateChanged();
        replicas.check(step);
        if ((ofAll & NEEDS_MODELS) != 0) {
            carried.kept().take(newest, network, strategy.reduction(), giver, session);
        }
        if (world.isRoot()) {
            checkpoints.continueOnRoot();
        }
        return begin;
    }
}
