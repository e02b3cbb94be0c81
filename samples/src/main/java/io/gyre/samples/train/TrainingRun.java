package io.gyre.samples.train;

import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.ExampleSource;
import io.gyre.dl4j.FitReport;
import io.gyre.dl4j.ShardedData;
import io.gyre.dl4j.TrainerBuilder;
import io.gyre.kernel.GradientCodec;
import io.gyre.paramserver.SeatedGroups;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.samples.data.BitsPerCharacter;
import io.gyre.samples.data.SampleData;
import io.gyre.samples.model.BuiltSample;
import io.gyre.samples.train.TrainReport.Milliseconds;
import io.gyre.samples.train.TrainReport.Stop;
import io.gyre.session.Groups;
import io.gyre.session.SeatedRun;
import io.gyre.session.Session;
import io.gyre.session.SharedCounter;
import io.gyre.signals.GracefulStop;
import io.gyre.training.UpdateStrategy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One rank's part of a training, from the first step to the report. */
final class TrainingRun {

    /** Examples per rank at a time: this affects only memory. */
    private static final int EVALUATION_BATCH = 100;

    private final TrainOptions options;
    private final SampleData set;
    private final @Nullable Session session;
    private final @Nullable SeatedRun seats;
    private final @Nullable UpdateStrategy strategy;
    private final @Nullable SharedCounter batches;
    private final Groups groups;
    private final Supplier<List<Integer>> lostServers;
    private final KeptRun kept;

    /** The groups of which this process's is one, and has seats; null in other runs. */
    private final @Nullable SeatedGroups inGroups;

    private boolean root;
    private long lastStep;

    /**
     * Creates the run.
     *
     * @param session the ranks that train
     * @param strategy null for the trainer's default
     * @param batches counter with which ranks deal batches; null if each has its share
     * @param groups of ranks that train in lockstep
     * @param lostServers ranks of servers that were lost
     * @param kept what the run leaves behind; borrowed
     */
    TrainingRun(
            TrainOptions options,
            SampleData set,
            Session session,
            @Nullable UpdateStrategy strategy,
            @Nullable SharedCounter batches,
            Groups groups,
            Supplier<List<Integer>> lostServers,
            KeptRun kept) {
        this.groups = groups;
        this.lostServers = lostServers;
        this.kept = kept;
        this.strategy = strategy;
        this.batches = batches;
        this.options = options;
        this.set = set;
        this.session = session;
        seats = null;
        inGroups = null;
    }

    /**
     * Creates one process's part of a run with seats.
     *
     * @param inGroups null if this is no group of several
     */
    TrainingRun(TrainOptions options, SampleData set, SeatedRun seats, KeptRun kept, @Nullable SeatedGroups inGroups) {
        this.inGroups = inGroups;
        this.kept = kept;
        this.options = options;
        this.set = set;
        this.seats = seats;
        session = null;
        strategy = null;
        batches = null;
        lostServers = inGroups == null
                ? List::of
                : () -> inGroups.lostServers().stream()
                        .map(server -> options.ranks() + server)
                        .toList();
        groups = inGroups == null
                ? Groups.of(options.ranks(), 1)
                : options.losses().groups();
    }

    /**
     * Trains, evaluates and compares; all ranks get the same report. A run that is told to end before its last step
     * does not evaluate.
     */
    TrainReport run(BuiltSample model) {
        TrainProgress progress = new TrainProgress(options.workload().model().toString(), length());
        try (DistributedTrainer trainer = trainer(model, progress)) {
            long firstStep = trainer.step();
            kept.begin(firstStep);
            List<FitReport> fits;
            long networkBytesBefore = networkBytes();
            GracefulStop stop = GracefulStop.onTermination(trainer::requestEnd, options.grace());
            try (progress) {
                fits = fit(trainer);
            } finally {
                stop.close();
            }
            long networkBytes = networkBytes() - networkBytesBefore;
            TrainReport report = report(
                    trainer,
                    firstStep,
                    fits,
                    networkBytes,
                    trainer.ended() ? null : quality(trainer),
                    trainer.parametersSha256OfAllRanks(),
                    trainer.ended() ? new Stop(trainer.step(), trainer.epoch() + 1) : null);
            root = trainer.world().isRoot();
            lastStep = trainer.step();
            if (!trainer.ended()) {
                kept.keep(trainer, session);
            }
            kept.end(trainer, report);
            return report;
        }
    }

    /** Whether this process held rank 0 at the end. */
    boolean isRoot() {
        return root;
    }

    /** The step of this process's group at the end. */
    long lastStep() {
        return lastStep;
    }

    private DistributedTrainer trainer(BuiltSample model, TrainProgress progress) {
        TrainerBuilder builder = (session == null
                        ? model.trainer(Objects.requireNonNull(seats))
                        : model.trainer(session))
                .seed(options.workload().seed())
                .safeReclamation(options.safeReclamation())
                .algorithm(options.algorithm())
                .overlap(options.overlap())
                .shardedUpdate(options.shardedUpdate())
                .startupCheck(options.startupCheck())
                .mixedPrecision(options.compression().mixedPrecision())
                .microBatches(options.workload().microBatches())
                .synchronousBatchNorm(options.workload().syncBatchNorm())
                .rootObserver(progress)
                .stallReport(options.stallReport())
                .progressListener(kept)
                .checkpointsRequired(kept.checkpointsRequired())
                .resume(kept.resumes());
        Supplier<GradientCodec> compression = options.compression().codecs();
        if (strategy != null) {
            builder.strategy(strategy);
        } else if (compression != null) {
            builder.compress(compression);
        }
        if (inGroups != null) {
            builder.strategy(inGroups);
        }
        options.compression().powerSgdRank().ifPresent(builder::powerSgd);
        kept.observer().ifPresent(builder::observer);
        kept.rootObserver().ifPresent(builder::rootObserver);
        options.timeline().or(kept::timeline).ifPresent(builder::timeline);
        kept.checkpoints().ifPresent(builder::checkpointDirectory);
        options.checkpoints().keep().ifPresent(builder::keepCheckpoints);
        options.checkpoints()
                .steps()
                .ifPresent(steps -> builder.checkpointEverySteps(steps).checkpointEveryEpochs(1));
        return builder.build();
    }

    /** Number of steps of a run that is not resumed. */
    private long length() {
        long perBatch = options.workload().model().stepsPerBatch();
        return options.workload()
                .steps()
                .map(steps -> (steps + perBatch - 1) / perBatch * perBatch)
                .orElseGet(() -> {
                    long globalBatch = (long) options.workload().batch() * ranksInStep();
                    long batchesPerEpoch = (examples().size() + globalBatch - 1) / globalBatch;
                    return batchesPerEpoch
                            * perBatch
                            * options.workload().epochs().orElse(0);
                });
    }

    private int ranksInStep() {
        return inGroups == null || seats == null ? options.ranks() : seats.seats();
    }

    /** What this process's ranks, together with others, train on. */
    private ExampleSource examples() {
        return inGroups == null ? set.examples() : new GroupShare(set.examples(), inGroups.group(), groups.count());
    }

    /**
     * Trains until the whole length is reached, counted from the first run. Its first call is that of the first run,
     * which a resumed trainer continues. It skips calls that an earlier run has finished, and that run may have made
     * shorter ones: hence the loop.
     */
    private List<FitReport> fit(DistributedTrainer trainer) {
        ExampleSource examples = examples();
        ShardedData data = batches == null
                ? ShardedData.of(
                        examples, options.workload().batch(), options.workload().seed())
                : ShardedData.dealt(
                        examples, options.workload().batch(), options.workload().seed(), batches);
        List<FitReport> fits = new ArrayList<>();
        while (longestRest(trainer) > 0 && !trainer.ended()) {
            long length = fits.isEmpty() ? whole() : Math.max(0, rest(trainer));
            FitReport fit = options.workload().steps().isPresent()
                    ? trainer.fitSteps(data, length)
                    : trainer.fit(data, options.runs().evaluateEpochs() ? 1 : (int) length);
            fits.add(fit);
            kept.fitDone(trainer, fit, measured(trainer));
        }
        return fits;
    }

    /** The quality after an epoch, by its name; empty if it is measured at the end only. */
    private Map<String, Double> measured(DistributedTrainer trainer) {
        if (!options.runs().evaluateEpochs() || trainer.ended()) {
            return Map.of();
        }
        Double quality = quality(trainer);
        String name = options.workload().model().takesImages() ? "accuracy" : "bits_per_character";
        return quality == null ? Map.of() : Map.of(name, quality);
    }

    /** Ranks that are not in lockstep may have been stopped with different numbers of steps left. */
    private long longestRest(DistributedTrainer trainer) {
        boolean mayDiffer =
                strategy != null && kept.resumes() && options.workload().steps().isPresent();
        return mayDiffer
                ? ofAllRanks(trainer, "steps that are left", rest(trainer)).stream()
                        .mapToLong(Long::longValue)
                        .max()
                        .orElse(0)
                : rest(trainer);
    }

    private long rest(DistributedTrainer trainer) {
        return whole() - (options.workload().steps().isPresent() ? trainer.step() : trainer.epoch());
    }

    /** In steps or, if none are given, in epochs. */
    private long whole() {
        return options.workload().steps().orElseGet(() ->
                (long) options.workload().epochs().orElse(0));
    }

    /** On what is held out: accuracy for images, bits per character for a text. */
    private @Nullable Double quality(DistributedTrainer trainer) {
        ExampleSource heldOut = set.heldOutExamples();
        if (heldOut.size() == 0) {
            return null;
        }
        ShardedData data =
                ShardedData.of(heldOut, EVALUATION_BATCH, options.workload().seed());
        return options.workload().model().takesImages()
                ? trainer.evaluate(data).accuracy()
                : trainer.evaluate(data, new BitsPerCharacter()).mean();
    }

    private TrainReport report(
            DistributedTrainer trainer,
            long firstStep,
            List<FitReport> fits,
            long networkBytes,
            @Nullable Double quality,
            List<String> sumsByRank,
            @Nullable Stop stopped) {
        List<Integer> lost = inGroups == null
                ? IntStream.range(0, sumsByRank.size())
                        .filter(rank -> sumsByRank.get(rank).isEmpty())
                        .boxed()
                        .toList()
                : inGroups.lostGroups().stream()
                        .flatMap(group -> groups.members().get(group).stream())
                        .toList();
        List<String> parametersSha256 =
                sumsByRank.stream().filter(sum -> !sum.isEmpty()).toList();
        long examples = fits.stream().mapToLong(FitReport::examples).sum();
        double seconds = fits.stream().mapToDouble(FitReport::seconds).sum();
        List<FitReport> withSteps = fits.stream().filter(fit -> fit.steps() > 0).toList();
        return new TrainReport(
                options.workload().model().toString(),
                set.name(),
                inGroups == null ? trainer.world().size() : groups.ranks(),
                options.strategy().kind().toString(),
                groups.members(),
                result(),
                trainer.transport(),
                options.workload().batch(),
                options.workload().seed(),
                firstStep,
                fits.stream().mapToLong(FitReport::steps).sum(),
                fits.stream().mapToLong(FitReport::skippedSteps).sum(),
                fits.stream().mapToInt(FitReport::epochs).sum(),
                examples,
                seconds,
                seconds == 0 ? 0 : examples / seconds,
                withSteps.isEmpty() ? null : withSteps.get(0).firstLoss(),
                withSteps.isEmpty() ? null : withSteps.get(withSteps.size() - 1).lastLoss(),
                options.workload().model().takesImages() ? quality : null,
                options.workload().model().takesImages() ? null : quality,
                parametersSha256,
                lost,
                IntStream.range(0, sumsByRank.size())
                        .filter(rank -> session != null && session.incarnation(rank) > 0 && !lost.contains(rank))
                        .boxed()
                        .toList(),
                lostServers.get(),
                ofAllRanks(
                        trainer,
                        "bytes sent",
                        fits.stream().mapToLong(FitReport::bytesSent).sum()),
                ofAllRanks(trainer, "bytes sent over a network", networkBytes),
                maxStaleness(),
                withSteps.isEmpty() ? null : exchangeMs(withSteps.get(withSteps.size() - 1)),
                withSteps.isEmpty() ? null : exposedMs(withSteps.get(withSteps.size() - 1)),
                stopped);
    }

    private long maxStaleness() {
        if (inGroups != null) {
            return inGroups.maxStaleness();
        }
        return strategy == null ? 0 : strategy.exchange().maxStaleness();
    }

    /** Describes the model with which the run ends. */
    private String result() {
        StrategyOptions used = options.strategy();
        boolean inOneGroup = used.kind() == StrategyOptions.Kind.HYBRID && groups.count() == 1;
        if (used.kind() == StrategyOptions.Kind.ALLREDUCE || used.hasLocalSteps() || inOneGroup) {
            return "the replica of every rank";
        }
        String model = used.serversTrain() ? "the parameters on the servers" : "the centre of elastic averaging";
        return inGroups == null ? model : model + "; steps, examples and times of group " + inGroups.group();
    }

    private static Milliseconds exchangeMs(FitReport fit) {
        return new Milliseconds(fit.exchange().exchangeMs(), fit.exchange().exchangeMsP99());
    }

    private static Milliseconds exposedMs(FitReport fit) {
        return new Milliseconds(fit.exchange().exposedMs(), fit.exchange().exposedMsP99());
    }

    private long networkBytes() {
        return session == null ? 0 : session.networkBytesSent();
    }

    private static List<Long> ofAllRanks(DistributedTrainer trainer, String topic, long own) {
        byte[] value = ByteBuffer.allocate(Long.BYTES).putLong(own).array();
        return trainer.exchange(topic, value).stream()
                .map(bytes -> bytes.length == 0 ? 0 : ByteBuffer.wrap(bytes).getLong())
                .toList();
    }
}
