package io.gyre.samples.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.FitReport;
import io.gyre.dl4j.ProgressListener;
import io.gyre.live.LivePage;
import io.gyre.live.RankReporter;
import io.gyre.runs.DurableFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunLog;
import io.gyre.runs.RunState;
import io.gyre.runs.RunWriter;
import io.gyre.runs.SeatedRunWriter;
import io.gyre.samples.data.SampleData;
import io.gyre.session.Session;
import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's view of the directory that its run is kept in: rank 0 writes it, and the others know where checkpoints are.
 * If the directory cannot be written, the run is not kept, and trains.
 */
final class KeptRun implements ProgressListener, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(KeptRun.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final TrainOptions options;

    /** Of the run, on rank 0 and in a run with seats; null if it is not kept. */
    private final @Nullable RunFiles files;

    /** On rank 0 of a run that is kept. */
    private final @Nullable RunWriter writer;

    /** In a run with seats that is kept; writes where rank 0 is. */
    private final @Nullable SeatedRunWriter ofSeats;

    private final @Nullable RunLog log;

    /** If this rank can see the run's directory. */
    private final @Nullable RankReporter reporter;

    /** With {@code --live}, on rank 0. */
    private final @Nullable LivePage page;

    /** Whether this process takes part in calls in which that writes, or would if its group kept the run. */
    private final boolean callsOfSeats;

    /** In the run's directory; null for none there. */
    private final @Nullable Path ownCheckpoints;

    /** In the run's directory, as all ranks see it; null for none there. */
    private final @Nullable Path timeline;

    private KeptRun(
            TrainOptions options,
            @Nullable RunFiles files,
            @Nullable RunWriter writer,
            @Nullable SeatedRunWriter ofSeats,
            boolean callsOfSeats,
            @Nullable RunLog log,
            @Nullable RankReporter reporter,
            @Nullable LivePage page,
            @Nullable Path ownCheckpoints,
            @Nullable Path timeline) {
        this.options = options;
        this.files = files;
        this.writer = writer;
        this.ofSeats = ofSeats;
        this.callsOfSeats = callsOfSeats;
        this.log = log;
        this.reporter = reporter;
        this.page = page;
        this.ownCheckpoints = ownCheckpoints;
        this.timeline = timeline;
    }

    /** For a run that is not kept. */
    static KeptRun none(TrainOptions options) {
        return new KeptRun(options, null, null, null, false, null, null, null, null, null);
    }

    /**
     * Opens the directory on rank 0. All ranks call it together.
     *
     * @param words that repeat the run in another directory, after {@code gyre}
     * @param session the ranks that train
     */
    static KeptRun open(TrainOptions options, List<String> words, SampleData set, Session session) {
        if (!options.runs().isKept()) {
            return none(options);
        }
        RunWriter writer = session.world().isRoot() ? openOnRoot(options, words, set, session) : null;
        boolean holdsCheckpoints = options.losses().writesCheckpoints()
                && options.checkpoints().directory().isEmpty();
        Path checkpoints = null;
        if (holdsCheckpoints) {
            String ofRoot = writer == null ? "" : writer.files().checkpoints().toString();
            String path = fromRoot(session, "directory of the run", ofRoot);
            checkpoints = path.isEmpty() ? null : Path.of(path);
        }
        String directory = fromRoot(
                session,
                "reports of ranks",
                writer == null
                        ? ""
                        : writer.files().directory().toAbsolutePath().toString());
        RunFiles seen = directory.isEmpty() ? null : new RunFiles(Path.of(directory));
        RankReporter reporter = seen == null ? null : report(seen, session);
        RunLog log = writer == null ? null : RunLog.openIfPossible(writer.files());
        LivePage page = writer == null ? null : options.live().open(writer.files());
        RunFiles files = writer == null ? null : writer.files();
        return new KeptRun(
                options, files, writer, null, false, log, reporter, page, checkpoints, timeline(options, seen));
    }

    /**
     * For a process of a group that does not keep the run: group 0 does. It makes the same calls that all processes of
     * a group make together.
     */
    static KeptRun ofOtherGroup(TrainOptions options) {
        boolean calls = options.runs().isKept();
        return new KeptRun(options, null, null, null, calls, null, null, null, null, null);
    }

    /**
     * For a process of a run with seats, whose directory the launcher has opened: see {@link KeptSeats}.
     *
     * @param ranks those of the run, or of the group that keeps it
     */
    static KeptRun ofSeats(TrainOptions options, int ranks) {
        if (!options.runs().isKept()) {
            return none(options);
        }
        RunFiles files = options.runs().files(options.workload().model().toString());
        boolean holdsCheckpoints = options.losses().writesCheckpoints()
                && options.checkpoints().directory().isEmpty();
        Path checkpoints = holdsCheckpoints ? files.checkpoints() : null;
        SeatedRunWriter ofSeats =
                new SeatedRunWriter(files, Map.of(), options.runs().tensorboard());
        RankReporter reporter = reportIfSeen(files, () -> RankReporter.openForSeats(files, ranks));
        return new KeptRun(
                options, files, null, ofSeats, true, null, reporter, null, checkpoints, timeline(options, files));
    }

    /** On a host that does not see the directory, a rank reports nothing. */
    private static @Nullable RankReporter report(RunFiles files, Session session) {
        Member own = session.members().get(session.world().rank());
        return reportIfSeen(
                files, () -> RankReporter.open(files, own, session.world().size()));
    }

    @FunctionalInterface
    private interface Reporting {
        RankReporter open() throws IOException;
    }

    private static @Nullable RankReporter reportIfSeen(RunFiles files, Reporting reporting) {
        if (!files.exist()) {
            return null;
        }
        try {
            return reporting.open();
        } catch (IOException e) {
            LOG.warn("the run directory has no reports of this rank: {}", DurableFile.reason(e));
            return null;
        }
    }

    private static @Nullable Path timeline(TrainOptions options, @Nullable RunFiles files) {
        return files != null && options.runs().keepsTimeline() ? files.timeline() : null;
    }

    /** Where a timeline is written, with {@code --keep-timeline}; empty for nowhere. */
    Optional<Path> timeline() {
        return Optional.ofNullable(timeline);
    }

    /** Hears what rank 0 does, on the process that holds it in a run with seats; empty for others. */
    Optional<StepObserver> rootObserver() {
        return Optional.ofNullable(ofSeats);
    }

    /** Hears what this rank does, for whoever watches; empty if it is not kept. */
    Optional<StepObserver> observer() {
        return Optional.ofNullable(reporter);
    }

    private static @Nullable RunWriter openOnRoot(
            TrainOptions options, List<String> words, SampleData set, Session session) {
        RunFiles files = options.runs().files(options.workload().model().toString());
        List<String> hosts = session.members().stream().map(Member::host).toList();
        // A restarted rank 0 goes on where the process before it was.
        return new RunOpening(options, files, words, set, hosts, session.transport())
                .open(options.checkpoints().resume() || session.incarnation(0) > 0);
    }

    private static String fromRoot(Session session, String topic, String ofRoot) {
        return new String(
                session.exchange(topic, ofRoot.getBytes(StandardCharsets.UTF_8)).get(0), StandardCharsets.UTF_8);
    }

    /** Where checkpoints are written; empty for nowhere. */
    Optional<Path> checkpoints() {
        return options.checkpoints().directory().or(() -> Optional.ofNullable(ownCheckpoints));
    }

    /** Whether the user has asked for checkpoints, so that it is an error if there is none at the end. */
    boolean checkpointsRequired() {
        return ownCheckpoints == null;
    }

    /** Whether the training begins with the newest checkpoint. */
    boolean resumes() {
        boolean forked = ownCheckpoints != null && options.runs().isFork();
        return forked || (options.checkpoints().resume() && checkpoints().isPresent());
    }

    /** The command that resumes the run, if its checkpoints are in its directory. */
    Optional<List<String>> resumeCommand() {
        return files == null || ownCheckpoints == null
                ? Optional.empty()
                : Optional.of(List.of("runs", "resume", files.directory().toString()));
    }

    /** The first step is about to begin. */
    void begin(long firstStep) {
        if (writer != null) {
            writer.begin(firstStep);
        }
    }

    @Override
    public void stepDone(long step, int epoch, StepSummary summary) {
        if (writer != null) {
            writer.stepDone(step, epoch + 1, summary.meanScore(), summary.unfinished() ? 0 : summary.examples());
        }
    }

    /**
     * A call of {@code fit} is done.
     *
     * @param quality by its name; empty if it was not measured
     */
    void fitDone(DistributedTrainer trainer, FitReport fit, Map<String, Double> quality) {
        Map<String, Double> values = new LinkedHashMap<>(quality);
        values.put("exchange_ms", fit.exchange().exchangeMs());
        values.put("exposed_ms", fit.exchange().exposedMs());
        long step = trainer.step();
        int epoch = trainer.epoch();
        if (writer != null && fit.steps() > 0) {
            writer.measured(step, epoch, values);
        }
        SeatedRunWriter seated = ofSeats;
        if (callsOfSeats) {
            trainer.onRoot("curves after a call of fit", () -> {
                if (seated != null && fit.steps() > 0) {
                    seated.measured(step, epoch, values);
                }
            });
        }
    }

    /**
     * Keeps the trained model. All ranks call it together.
     *
     * @param session null in a run with seats
     * @throws GyreException if a rank is lost meanwhile
     */
    void keep(DistributedTrainer trainer, @Nullable Session session) {
        if (!options.runs().isKept() || (callsOfSeats && ofSeats == null)) {
            return;
        }
        String own = files == null ? "" : files.model().toString();
        String path = session == null ? own : fromRoot(session, "model of the run", own);
        if (path.isEmpty()) {
            return;
        }
        try {
            trainer.exportModel(Path.of(path));
        } catch (GyreException e) {
            // Its subclasses tell of ranks that are lost or disagree; itself, of a file.
            if (e.getClass() != GyreException.class) {
                throw e;
            }
            if (files != null && trainer.world().isRoot()) {
                LOG.warn("the run keeps no model: {}", e.getMessage());
            }
        }
    }

    /** The run has ended, or was stopped. All processes of a run with seats call it together. */
    void end(DistributedTrainer trainer, TrainReport report) {
        RunState state = report.stopped() == null ? RunState.COMPLETE : RunState.STOPPED;
        Map<String, Object> result = asMap(report);
        result.put("epoch", trainer.epoch());
        if (writer != null) {
            result.put("step", report.resumedFromStep() + report.steps());
            writer.end(state, report.steps(), report.examples(), report.seconds(), result);
        }
        SeatedRunWriter seated = ofSeats;
        if (seated != null) {
            long first = report.resumedFromStep();
            long steps = trainer.step() - first;
            result.put("step", trainer.step());
            trainer.onRoot(
                    "end of the run",
                    () -> seated.end(state, first, steps, report.examples(), report.seconds(), result));
        }
    }

    private static Map<String, Object> asMap(TrainReport report) {
        try {
            return JSON.readValue(report.toJson(), new TypeReference<LinkedHashMap<String, Object>>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a report that is not JSON", e);
        }
    }

    /** The run has failed. */
    void fail(Throwable failure) {
        if (writer != null) {
            writer.fail(String.valueOf(failure.getMessage()));
        }
    }

    @Override
    public void close() throws IOException {
        if (reporter != null) {
            reporter.close();
        }
        if (page != null) {
            page.close();
        }
        if (writer != null) {
            writer.close();
        }
        if (log != null) {
            log.close();
        }
    }
}
