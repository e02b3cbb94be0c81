package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.LocalStrategy;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.SeededCodec;
import io.gyre.launcher.ReportFile;
import io.gyre.launcher.Shell;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.SeatedGroups;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.samples.data.SampleData;
import io.gyre.samples.model.BuiltSample;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import io.gyre.session.SharedCounter;
import io.gyre.signals.GracefulStop;
import io.gyre.training.UpdateStrategy;
import io.gyre.transport.AeronSeats;
import io.gyre.transport.AeronSession;
import io.gyre.transport.GroupPlace;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The program of each rank of {@code gyre train}, in its own JVM. */
final class TrainRank {

    private static final Logger LOG = LoggerFactory.getLogger(TrainRank.class);

    /** Exit status of a process that was told to end, and ended in good order. */
    private static final int TERMINATED = 128 + 15;

    private final TrainOptions options;
    private final List<String> repeatingWords;
    private final List<String> resumingWords;

    /**
     * Creates the program.
     *
     * @param repeatingWords words after {@code gyre} that repeat the run in another directory
     * @param resumingWords words to print for a user who stops the run
     */
    TrainRank(TrainOptions options, List<String> repeatingWords, List<String> resumingWords) {
        this.options = options;
        this.repeatingWords = repeatingWords;
        this.resumingWords = resumingWords;
    }

    /**
     * Joins the run that the environment names, and trains; fails unless all ranks end with the same parameters.
     *
     * @return exit status: 0, or that of a process ended by a signal if the run was stopped, on any rank
     */
    int run() throws IOException {
        // Both are read when the classes concerned are loaded, which is later.
        System.setProperty("org.eclipse.deeplearning4j.helpers.disable", String.valueOf(!options.oneDnn()));
        System.setProperty("java.awt.headless", "true");
        Optional<AeronSeats> seats = AeronSeats.ifLaunched(System.getenv());
        if (seats.isPresent()) {
            return runSeated(seats.get());
        }
        JoinOptions.Builder join = JoinOptions.fromEnvironment().toBuilder().peerTimeout(options.peerTimeout());
        if (options.transport() != TransportMode.AUTO) {
            join.transport(options.transport());
        }
        try (Session session = AeronSession.join(join.build())) {
            try {
                return train(session) ? 0 : TERMINATED;
            } catch (Throwable failure) {
                // Before the session closes, so that the others see a failure, not a rank that left.
                session.fail(String.valueOf(failure.getMessage()));
                throw failure;
            }
        }
    }

    /** In a run with seats, or a group of one: the process that holds rank 0 at the end reports for all. */
    private int runSeated(AeronSeats run) throws IOException {
        Optional<GroupPlace> group = GroupPlace.ifLaunched(System.getenv());
        boolean keeps = group.map(GroupPlace::group).orElse(0) == 0;
        try (run) {
            try (KeptRun kept = keeps ? KeptRun.ofSeats(options, run.seats()) : KeptRun.ofOtherGroup(options)) {
                SampleData set = openData();
                BuiltSample model = options.buildModel(set);
                if (group.isPresent()) {
                    return trainInGroup(run, group.get(), set, model, kept);
                }
                TrainingRun training = new TrainingRun(options, set, run, kept, null);
                TrainReport report = training.run(model);
                checkEqual(report);
                if (training.isRoot()) {
                    print(report, kept);
                }
                return report.stopped() == null ? 0 : TERMINATED;
            } catch (Throwable failure) {
                run.fail("it failed: " + failure.getMessage());
                throw failure;
            }
        }
    }

    /** The lead of the first group that is left reports for all. */
    private int trainInGroup(AeronSeats run, GroupPlace place, SampleData set, BuiltSample model, KeptRun kept)
            throws IOException {
        try (SeatedGroups groups = model.groups(
                options.strategy(),
                training -> training.compress(codecs()),
                place.group(),
                () -> run.joinGroups(place, options.peerTimeout()))) {
            TrainingRun training = new TrainingRun(options, set, run, kept, groups);
            TrainReport report = training.run(model);
            checkEqual(report);
            if (training.isRoot()) {
                LOG.info(
                        "Group {} has ended after {} steps, with parameters {}",
                        place.group(),
                        training.lastStep(),
                        report.parametersSha256().get(0));
                if (groups.isFirst()) {
                    print(report, kept);
                }
            }
            groups.leave();
            return report.stopped() == null ? 0 : TERMINATED;
        }
    }

    private SampleData openData() throws IOException {
        SampleData set = options.workload().openData();
        if (BackendChoice.isOnCuda(System.getenv())) {
            GpuShare.limit(System.getenv());
        }
        return set;
    }

    /** Returns whether the run was completed. */
    private boolean train(Session session) throws IOException {
        SampleData set = openData();
        BuiltSample model = options.buildModel(set);
        StrategyOptions strategy = options.strategy();
        if (strategy.kind() == StrategyOptions.Kind.ALLREDUCE) {
            return train(
                    set, model, session, null, null, Groups.of(session.world().size(), 1), List::of);
        }
        if (strategy.hasLocalSteps()) {
            try (LocalStrategy local = LocalStrategy.open(strategy, session, this::choose)) {
                return train(set, model, session, local.strategy(), null, local.groups(), List::of);
            }
        }
        try (ParameterService service = strategy.configure(
                        ParameterService.builder(session),
                        consistency -> model.training(consistency).compress(codecs()))
                .start()) {
            if (service.isServer()) {
                // A server ends when its workers have.
                try (GracefulStop stop = GracefulStop.onTermination(() -> {}, options.grace())) {
                    service.serve();
                    return stop.signal().isEmpty();
                }
            }
            boolean hasGroups = strategy.kind() == StrategyOptions.Kind.HYBRID;
            // If no rank gets ahead, equal shares are as good, and runs are reproducible.
            boolean together = strategy.isBulkSynchronous() || service.groups().count() == 1;
            SharedCounter batches = together ? null : service.counter("batches");
            try (Collective group = hasGroups ? choose(service.group().endpoint()) : null) {
                return train(
                        set,
                        model,
                        service.workers(),
                        model.strategy(strategy, service, group),
                        batches,
                        service.groups(),
                        service::lostServers);
            }
        }
    }

    /** Codecs with the run's seed; null if gradients are sent as they are. */
    private @Nullable Supplier<GradientCodec> codecs() {
        Supplier<GradientCodec> codecs = options.compression().codecs();
        return codecs == null
                ? null
                : () -> {
                    GradientCodec codec = codecs.get();
                    if (codec instanceof SeededCodec seeded) {
                        seeded.seed(options.workload().seed());
                    }
                    return codec;
                };
    }

    private Collective choose(Endpoint group) {
        Supplier<GradientCodec> codecs = codecs();
        GradientCodec codec = codecs == null ? null : codecs.get();
        if (codec != null && codec.residual() != null && options.checkpoints().resume()) {
            LOG.warn(
                    "The residuals of {} begin at zero: checkpoints of hybrid hold none. What had not been sent yet is"
                            + " lost",
                    codec.name());
        }
        return Collectives.choose(group, Algorithm.AUTO, codec);
    }

    private boolean train(
            SampleData set,
            BuiltSample model,
            Session session,
            @Nullable UpdateStrategy strategy,
            @Nullable SharedCounter batches,
            Groups groups,
            Supplier<List<Integer>> lostServers)
            throws IOException {
        try (KeptRun kept = KeptRun.open(options, repeatingWords, set, session)) {
            try {
                return train(set, model, session, strategy, batches, groups, lostServers, kept);
            } catch (RuntimeException | Error | IOException failure) {
                kept.fail(failure);
                throw failure;
            }
        }
    }

    private boolean train(
            SampleData set,
            BuiltSample model,
            Session session,
            @Nullable UpdateStrategy strategy,
            @Nullable SharedCounter batches,
            Groups groups,
            Supplier<List<Integer>> lostServers,
            KeptRun kept)
            throws IOException {
        TrainingRun run = new TrainingRun(options, set, session, strategy, batches, groups, lostServers, kept);
        TrainReport report = run.run(model);
        checkEqual(report);
        if (isFirstLeft(session)) {
            print(report, kept);
        }
        // A rank that asked after rank 0 had left would report for all once more.
        session.exchange("end of the report", new byte[0]);
        return report.stopped() == null;
    }

    private static void checkEqual(TrainReport report) {
        if (report.parametersSha256().stream().distinct().count() > 1) {
            throw new GyreException("the ranks ended with different parameters, by rank: " + report.parametersSha256());
        }
    }

    private void print(TrainReport report, KeptRun kept) throws IOException {
        Optional<ReportFile> file = options.report().map(ReportFile::new);
        if (file.isPresent()) {
            file.get().write(report.toJson());
        }
        System.out.println(report.summary());
        if (report.stopped() != null) {
            System.out.println(howToGoOn(report.stopped(), kept));
        }
    }

    private String howToGoOn(TrainReport.Stop stop, KeptRun kept) {
        String where = "stopped after step %,d of epoch %d; ".formatted(stop.step(), stop.epoch());
        if (kept.checkpoints().isPresent()) {
            List<String> words = new ArrayList<>(
                    List.of(GyreVariable.COMMAND.text(System.getenv()).orElse("gyre")));
            words.addAll(kept.resumeCommand().orElse(resumingWords));
            return where + "resume with: " + Shell.line(words);
        }
        return where + "it cannot be resumed, as there is no --checkpoint DIR";
    }

    /** Whether this rank reports for all: the root, or the first rank that is not lost. */
    private static boolean isFirstLeft(Session session) {
        int first = 0;
        while (first < session.world().rank() && session.hasEnded(first)) {
            first++;
        }
        return first == session.world().rank();
    }
}
