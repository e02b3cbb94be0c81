package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.memory.MemoryBox;
import io.gyre.network.Collective;
import io.gyre.network.WaitObserver;
import io.gyre.observe.Timeline;
import io.gyre.session.Session;
import io.gyre.training.BucketPlan;
import io.gyre.training.StepDriver;
import io.gyre.training.StepObserver;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a trainer, put together in one order on all ranks. They agree on the options before memory is shared,
 * and at the end all have rank 0's state.
 *
 * <p>What is opened on the way is closed by the caller's {@link Opened}, also if the constructor fails.
 */
final class TrainerParts {

    final Session session;
    /** The ranks that take each step together. */
    final Session inStep;

    final TrainedModel network;
    final LossWatch watch;
    final Replica replica;
    final ReplicaCheck replicas;
    final Checkpoints checkpoints;
    final DataInUse data;
    final RowsFromRoot rowsFromRoot;
    final PlainData plain;
    final TrainingStep step;
    final ExchangeTimer timer = new ExchangeTimer();
    final StepDriver driver;
    final TrainerEvents events;
    final @Nullable ProgressListener progressListener;
    /** Where the run begins or is resumed. */
    final Progress start;

    private final World world;
    private final UpdateStrategy strategy;

    /** Puts the parts together. All ranks call it together. */
    TrainerParts(TrainerBuilder options, Session session, Opened opened) {
        this.session = session;
        world = session.world();
        progressListener = options.progressListener;
        network = TrainedModel.of(options.model);
        opened.onClose(network::close);
        Compression compression = Compression.of(options, network.parameters().dataType());
        session.agree(
                "all-reduce", Map.of("algorithm", options.algorithm.toString(), "compression", compression.toString()));
        strategy = options.strategy == null ? synchronous(options.algorithm, compression, opened) : options.strategy;
        List<Integer> together = strategy.reduction().ranks(world);
        inStep = together.size() == world.size() ? session : session.group(together);
        network.check(world.size() > 1 || options.microBatches > 1);
        checkSupported(options.checkpoints());
        if (options.synchronousBatchNorm) {
            BatchStatisticsOfAllRanks.check(world.size(), together.size(), options.microBatches, strategy.name());
        }
        watch = new LossWatch(session, inStep);

        ModelLayout layout = network.layout();
        BucketPlan plan = layout.bucketPlan(options.bucketBytes);
        DeviceGradients.Source source = source(options, opened);
        boolean overlap = options.overlap.decide(plan, inStep, source != null, world.isRoot());
        session.agree("model and options", identity(options, layout, plan, overlap));
        session.agree("timeline", Map.of("written", String.valueOf(options.timeline != null)));
        session.agree("batch normalisation", Map.of("synchronous", String.valueOf(options.synchronousBatchNorm)));

        LossScale lossScale = compression.lossScale();
        replica = new Replica(network, plan, place(layout, plan, source, opened), watch.code(), lossScale);
        replicas = new ReplicaCheck(inStep, replica, options.leastSliceBytes);
        checkpoints = new Checkpoints(session, options.checkpoints(), replica, replicas, options.seed);
        plain = new PlainData(options.sharding);
        rowsFromRoot = new RowsFromRoot(session);
        opened.onClose(rowsFromRoot::close);
        data = new DataInUse(session, watch, rowsFromRoot);
        opened.onClose(data::close);
        MicroBatches batches = new MicroBatches(
                replica, options.microBatches, world.rank(), options.seed, statistics(options, opened));
        step = new TrainingStep(session, inStep, replica, batches, replicas, watch.code(), lossScale);
        List<StepObserver> observers = options.observersOf(world);
        if (options.timeline != null) {
            observers.add(Timeline.begin(session, options.timeline));
        }
        boolean listened = !observers.isEmpty();
        observers.add(timer);
        driver = new StepDriver(session, strategy, replica, overlap, observers);
        opened.onClose(driver.observers()::trainingEnded);
        opened.onClose(driver::close);
        observeWaits(driver.place(), opened);
        if (listened) {
            observeWaits(driver.observers(), opened);
        }
        start = start();
        events = new TrainerEvents(session, driver, listened);
        watch.start(options.stalls(session, driver, watch.code()));
        opened.onClose(watch::close);
        driver.observers().trainingBegan(world, session.members());
    }

    private void observeWaits(WaitObserver observer, Opened opened) {
        session.waitObservers().add(observer);
        opened.onClose(() -> session.waitObservers().remove(observer));
    }

    private UpdateStrategy synchronous(Algorithm algorithm, Compression compression, Opened opened) {
        Collective collective = Collectives.choose(session.endpoint(), algorithm, compression.codec());
        opened.onClose(collective::close);
        return new Synchronous(collective);
    }

    private BatchStatistics statistics(TrainerBuilder options, Opened opened) {
        if (!options.synchronousBatchNorm || inStep.world().size() == 1) {
            return BatchStatistics.OWN;
        }
        if (!(network instanceof Network ofLayers)) {
            throw new IllegalArgumentException("synchronousBatchNorm: a SameDiff graph normalises its batches itself");
        }
        if (!BatchStatisticsOfAllRanks.concerns(ofLayers)) {
            return BatchStatistics.OWN;
        }
        BatchStatisticsOfAllRanks statistics = new BatchStatisticsOfAllRanks(ofLayers, inStep);
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
        return Map.of(
                "micro-batches", String.valueOf(options.microBatches),
                "model", network.model().getClass().getSimpleName(),
                "data type", layout.dataType(),
                "parameters", String.valueOf(network.parameters().length()),
                "configuration", ModelFingerprint.of(network.configurationJson()),
                "buckets", plan.fingerprint(),
                "overlap", String.valueOf(overlap),
                "strategy", strategy.description(),
                "seed", String.valueOf(options.seed),
                "checkpoints", options.checkpoints().toCompare());
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
}
