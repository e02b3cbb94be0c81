package io.gyre.samples.train;

import io.gyre.OptionRange;
import io.gyre.allreduce.Algorithm;
import io.gyre.dl4j.Overlap;
import io.gyre.dl4j.ShardedUpdate;
import io.gyre.launcher.HostOptions;
import io.gyre.launcher.LaunchPlan;
import io.gyre.launcher.Launcher;
import io.gyre.launcher.ReportFile;
import io.gyre.launcher.SeatOptions;
import io.gyre.observe.Timeline;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.samples.data.SampleData;
import io.gyre.samples.model.BuiltSample;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of {@code gyre train}: read and checked by the process that starts the ranks, and read by each rank. */
public final class TrainOptions {

    /** Processes of one host: a larger number is a typing error. */
    private static final long MOST_RANKS = 256;

    private static final int DEFAULT_RANKS = 2;

    /** Where ND4J computes. */
    enum Backend {
        AUTO,
        CPU,
        CUDA;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whether something is done. */
    enum Switch {
        ON,
        OFF;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Option(
            names = "-n",
            paramLabel = "RANKS",
            description = "How many ranks. Default: 2, or as many as another launcher has started.")
    private @Nullable Integer ranks;

    @Mixin
    private final HostOptions hosts = new HostOptions();

    @Option(
            names = "--strategy",
            paramLabel = "WORD",
            defaultValue = "allreduce",
            converter = Word.OfStrategy.class,
            description = "How parameters are updated: allreduce, paramserver, elastic, hybrid, post-local or diloco."
                    + " Default: allreduce.")
    private StrategyOptions.Kind strategy = StrategyOptions.Kind.ALLREDUCE;

    @Option(
            names = "--transport",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfTransport.class,
            description =
                    "How ranks exchange data: auto, shm, ipc or udp. Default: auto, shared memory inside a host, UDP"
                            + " between hosts.")
    private TransportMode transport = TransportMode.AUTO;

    @Option(
            names = "--algorithm",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfAlgorithm.class,
            description =
                    "For allreduce: auto, direct, hierarchical or ring. Default: auto, by the placement of the ranks.")
    private Algorithm algorithm = Algorithm.AUTO;

    @Option(
            names = "--overlap",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfOverlap.class,
            description = "For allreduce, and inside the groups of hybrid: whether gradients are exchanged during the"
                    + " backward pass: on, off or auto. Default: auto, if ranks exchange messages or a GPU"
                    + " computes.")
    private Overlap overlap = Overlap.AUTO;

    @Option(
            names = "--sharded-update",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfShardedUpdate.class,
            description = "For allreduce: whether each rank of a host updates a part of the parameters: on, off or"
                    + " auto. Default: auto, if it is faster.")
    private ShardedUpdate shardedUpdate = ShardedUpdate.AUTO;

    @Mixin
    private final CompressionOptions compression = new CompressionOptions();

    @Option(
            names = "--backend",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfBackend.class,
            description = "Where to compute: auto, cpu or cuda. Default: auto, on GPUs if they can be used.")
    private Backend backend = Backend.AUTO;

    @Option(
            names = "--startup-check",
            paramLabel = "on|off",
            defaultValue = "on",
            converter = Word.OfSwitch.class,
            description = "Whether several ranks measure, for at most a second, what they have to live on, and say what"
                    + " limits the run. Default: on.")
    private Switch startupCheck = Switch.ON;

    @Mixin
    private final SeatOptions seats = new SeatOptions();

    @Mixin
    private final WorkloadOptions workload = new WorkloadOptions();

    @Mixin
    private final RunOptions runs = new RunOptions();

    @Mixin
    private final LiveOptions live = new LiveOptions();

    @Mixin
    private final CheckpointOptions checkpoints = new CheckpointOptions();

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the results to a file, as JSON.")
    private @Nullable Path report;

    @Option(
            names = "--no-onednn",
            description = "Disable Deeplearning4j's oneDNN code, as it is by default there: slower, for comparison.")
    private boolean noOneDnn;

    @Option(
            names = "--no-safe-reclamation",
            description = "Let ND4J free its memory itself, which may crash: for comparison.")
    private boolean noSafeReclamation;

    @Option(
            names = "--double",
            description = "Train in double precision: slower; shows how large the rounding error of floats is.")
    private boolean inDouble;

    @Option(
            names = "--peer-timeout",
            paramLabel = "SECONDS",
            defaultValue = "120",
            description = "How long a rank waits for one that is alive but silent. Default: 120.")
    private int peerTimeoutSeconds;

    @Option(
            names = "--timeline",
            paramLabel = "FILE.json",
            description = "Write a timeline of all ranks, in the format of Chrome's traces.")
    private @Nullable Path timeline;

    @Option(
            names = "--stall-report",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "After how long without the end of a step each rank logs where it is, and for whom it waits;"
                    + " 0 for never. Default: 30.")
    private int stallReportSeconds = 30;

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "25",
            description =
                    "After Ctrl-C or SIGTERM: how long the ranks have to finish the step and to write a checkpoint."
                            + " A second signal ends them at once. Default: 25.")
    private int graceSeconds = 25;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "0",
            description = "Where this process listens for the ranks to meet. Default: any free port.")
    private int port;

    @Mixin
    private ServerOptions exchange = new ServerOptions();

    /**
     * Fails if the options contradict each other, or name what does not exist.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        OptionRange.check(
                "-n", ranks(), 1, MOST_RANKS * Math.max(1, hosts.hosts().size()));
        strategy().checkGroups(ranks(), transport == TransportMode.AUTO || transport == TransportMode.SHM);
        if (strategy != StrategyOptions.Kind.ALLREDUCE && algorithm != Algorithm.AUTO) {
            throw new IllegalArgumentException(
                    "--algorithm " + algorithm + " belongs to [allreduce], not to --strategy " + strategy);
        }
        if (strategy != StrategyOptions.Kind.ALLREDUCE && shardedUpdate == ShardedUpdate.ON) {
            throw new IllegalArgumentException(
                    "--sharded-update on belongs to [allreduce], not to --strategy " + strategy);
        }
        compression.check(strategy, inDouble);
        workload.check();
        if (workload.syncBatchNorm()
                && strategy != StrategyOptions.Kind.ALLREDUCE
                && strategy != StrategyOptions.Kind.HYBRID) {
            throw new IllegalArgumentException(
                    "--sync-batch-norm belongs to [allreduce, hybrid], not to --strategy " + strategy);
        }
        OptionRange.check("--peer-timeout", peerTimeoutSeconds, 1, 1_000_000);
        OptionRange.check("--stall-report", stallReportSeconds, 0, 1_000_000);
        OptionRange.check("--grace", graceSeconds, 0, 1_000_000);
        OptionRange.check("--port", port, 0, 65_535);
        OptionRange.check("--restarts", restarts(), 0, LaunchPlan.MOST_RESTARTS);
        losses().check();
        runs.check();
        live.check(runs.isKept());
        checkpoints.check(runs);
        if (report != null) {
            new ReportFile(report).check();
        }
        if (timeline != null) {
            if (runs.keepsTimeline()) {
                throw new IllegalArgumentException("--timeline " + timeline + " and --keep-timeline: choose one file");
            }
            Timeline.check(timeline);
        }
    }

    /** What is trained. */
    WorkloadOptions workload() {
        return workload;
    }

    /** Whether and where the run is kept. */
    RunOptions runs() {
        return runs;
    }

    /** Whether and where the run is shown in a browser. */
    LiveOptions live() {
        return live;
    }

    /** Where checkpoints are, and how often they are written. */
    CheckpointOptions checkpoints() {
        return checkpoints;
    }

    /** The model to train, with its initial parameters. */
    BuiltSample buildModel(SampleData set) {
        return workload.buildModel(set, inDouble);
    }

    /** Ranks that train. */
    int ranks() {
        int servers = unchecked().servers();
        Integer given = ranks;
        return given != null ? given : Launcher.startedAsOneOf().orElse(DEFAULT_RANKS + servers) - servers;
    }

    /** Where the ranks run. */
    HostOptions hosts() {
        return hosts;
    }

    /** The strategy, with its options. */
    StrategyOptions strategy() {
        return exchange.of(strategy, losses().toleratesLosses());
    }

    /** The same, also if lost ranks could not be restarted. */
    private StrategyOptions unchecked() {
        return exchange.of(strategy, true);
    }

    /** What the run does when it loses a process. */
    LossPolicy losses() {
        return new LossPolicy(
                strategy, unchecked(), ranks(), restarts(), seats, checkpoints, runs, workload.syncBatchNorm());
    }

    /** Where a run with seats listens that this process is to join; empty to start a run. */
    Optional<String> join() {
        return seats.join();
    }

    /** How often a lost process is restarted. */
    int restarts() {
        return exchange.restarts();
    }

    Backend backend() {
        return backend;
    }

    TransportMode transport() {
        return transport;
    }

    Algorithm algorithm() {
        return algorithm;
    }

    Overlap overlap() {
        return overlap;
    }

    ShardedUpdate shardedUpdate() {
        return shardedUpdate;
    }

    /** In which numbers gradients are sent. */
    CompressionOptions compression() {
        return compression;
    }

    boolean startupCheck() {
        return startupCheck == Switch.ON;
    }

    Optional<Path> report() {
        return Optional.ofNullable(report);
    }

    /** Of parameters and computation, and of gradients on their way, in words. */
    String precision() {
        String sent = compression.toString();
        return (inDouble ? "double" : "float") + (sent.isEmpty() ? "" : ", gradients sent as " + sent);
    }

    boolean oneDnn() {
        return !noOneDnn;
    }

    boolean safeReclamation() {
        return !noSafeReclamation;
    }

    Duration peerTimeout() {
        return Duration.ofSeconds(peerTimeoutSeconds);
    }

    Optional<Path> timeline() {
        return Optional.ofNullable(timeline);
    }

    Duration stallReport() {
        return Duration.ofSeconds(stallReportSeconds);
    }

    Duration grace() {
        return Duration.ofSeconds(graceSeconds);
    }

    int port() {
        return port;
    }
}
