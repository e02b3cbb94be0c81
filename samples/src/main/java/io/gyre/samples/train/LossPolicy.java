package io.gyre.samples.train;

import io.gyre.launcher.GroupPlan;
import io.gyre.launcher.Launcher;
import io.gyre.launcher.SeatOptions;
import io.gyre.launcher.SeatPlan;
import io.gyre.paramserver.SeatedGroups;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.session.Groups;
import io.gyre.transport.GyreVariable;
import java.util.List;
import java.util.Optional;

/**
 * What a run does when it loses a process, as its options decide.
 *
 * @param strategy how parameters are updated
 * @param exchange the strategy's options
 * @param ranks that train
 * @param restarts how often a lost process is restarted
 * @param seats options of processes that hold ranks
 * @param checkpoints where they are, and how often they are written
 * @param runs whether and where the run is kept
 * @param syncBatchNorm whether ranks wait for each other in the middle of a pass
 */
record LossPolicy(
        StrategyOptions.Kind strategy,
        StrategyOptions exchange,
        int ranks,
        int restarts,
        SeatOptions seats,
        CheckpointOptions checkpoints,
        RunOptions runs,
        boolean syncBatchNorm) {

    private static final String SEAT_OPTIONS = "--processes, --spares, --min-processes and --lost-after";

    /**
     * Fails if the options of seats contradict the others, or are out of their ranges.
     *
     * @throws IllegalArgumentException with the options, and what to do
     */
    void check() {
        // Their ranges, before anything is opened.
        Optional<SeatPlan> unused = seatPlan();
        Optional<GroupPlan> unusedToo = groupPlan();
        if (!seats.isGiven() || strategy == StrategyOptions.Kind.ALLREDUCE || groupsSurvive()) {
            return;
        }
        if (strategy != StrategyOptions.Kind.HYBRID) {
            throw new IllegalArgumentException(
                    SEAT_OPTIONS + " belong to [allreduce, hybrid], not to --strategy " + strategy);
        }
        String obstacle = obstacleOfGroups();
        if (!obstacle.isEmpty()) {
            throw new IllegalArgumentException(SEAT_OPTIONS + " with --strategy hybrid: " + obstacle);
        }
    }

    /** Whether the run leaves checkpoints. */
    boolean writesCheckpoints() {
        return (runs.isKept() || checkpoints.directory().isPresent()) && !groupsSurvive();
    }

    /** Whether lost processes may have what no restarted rank can bring back. */
    boolean toleratesLosses() {
        return writesCheckpoints() || groupsSurvive();
    }

    /** How often the whole run goes back to its newest checkpoint when it has lost a process. */
    int goesBack() {
        return strategy != StrategyOptions.Kind.ALLREDUCE && writesCheckpoints() ? restarts : 0;
    }

    /** Whether it does so when a group has lost a rank, though other groups could continue. */
    boolean goesBackForAGroup() {
        return strategy == StrategyOptions.Kind.HYBRID && goesBack() > 0;
    }

    /**
     * How often a single lost process is started again: with groups only servers, if they have backups, and never
     * without servers, unless ranks may change their processes.
     */
    int restartsOfOne() {
        boolean endsAlone = strategy == StrategyOptions.Kind.HYBRID && exchange.backups() == 0 && !groupsSurvive();
        return endsAlone || exchange.hasLocalSteps() ? 0 : restarts;
    }

    /** The first rank that is started again by itself: a group ends with any of its ranks, and servers follow them. */
    int firstToRestart() {
        return strategy == StrategyOptions.Kind.HYBRID && !groupsSurvive() ? ranks : 0;
    }

    /** The processes that hold the ranks; empty if the run ends with the first loss. */
    Optional<SeatPlan> seatPlan() {
        return strategy == StrategyOptions.Kind.ALLREDUCE ? seats.of(ranks, restarts > 0) : Optional.empty();
    }

    /** The processes that hold the ranks of each group; empty if a group ends when it loses a rank. */
    Optional<GroupPlan> groupPlan() {
        if (!groupsSurvive()) {
            return Optional.empty();
        }
        List<SeatPlan> ofGroups = groups().members().stream()
                .flatMap(members -> seats.of(members.size(), true).stream())
                .toList();
        return Optional.of(new GroupPlan(ofGroups, exchange.servers()));
    }

    /** How the ranks are divided, if there is a {@link #groupPlan}. */
    Groups groups() {
        return Groups.of(ranks, exchange.groups());
    }

    /** Whether each group goes on when it loses a rank. Ranks are told by their launcher. */
    private boolean groupsSurvive() {
        if (GyreVariable.isRank(System.getenv()) || GyreVariable.hasSeats(System.getenv())) {
            return GyreVariable.GROUPS_SIZE.text(System.getenv()).isPresent();
        }
        return strategy == StrategyOptions.Kind.HYBRID
                && (restarts > 0 || seats.isGiven())
                && obstacleOfGroups().isEmpty();
    }

    /** Why the groups of hybrid end when they lose a rank; empty if they need not. */
    private String obstacleOfGroups() {
        Optional<String> ofCheckpoints = optionOfCheckpoints();
        if (ofCheckpoints.isPresent()) {
            return ofCheckpoints.get() + ": groups that go on when they lose a rank have no checkpoints";
        }
        if (syncBatchNorm) {
            return "--sync-batch-norm: ranks wait for each other in the middle of a pass";
        }
        if (seats.join().isPresent()) {
            return "--join: no process from elsewhere can join a group";
        }
        if (Launcher.startedAsOneOf().isPresent()) {
            return "another launcher has started this process: ranks change their processes under gyre train only";
        }
        String obstacle = SeatedGroups.obstacle(exchange);
        return obstacle.isEmpty() && exchange.groups() > ranks
                ? "--groups " + exchange.groups() + ": there are " + ranks + " ranks"
                : obstacle;
    }

    /** An option by which the user asks for checkpoints; empty if there is none. */
    private Optional<String> optionOfCheckpoints() {
        if (runs.isFork()) {
            return Optional.of("--from");
        }
        if (checkpoints.resume()) {
            return Optional.of("--resume");
        }
        if (checkpoints.directory().isPresent()) {
            return Optional.of("--checkpoint");
        }
        if (checkpoints.steps().isPresent()) {
            return Optional.of("--checkpoint-steps");
        }
        return checkpoints.keep().isPresent() ? Optional.of("--keep-checkpoints") : Optional.empty();
    }
}
