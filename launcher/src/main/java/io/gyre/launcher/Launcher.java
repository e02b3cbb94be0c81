package io.gyre.launcher;

import io.gyre.launcher.RunWatch.Loss;
import io.gyre.transport.AeronSession;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.LaunchEnvironment;
import io.gyre.transport.OpenFiles;
import io.gyre.transport.RendezvousServer;
import io.gyre.transport.RunSecret;
import io.gyre.transport.StateDirectory;
import io.gyre.transport.UsherServer;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Starts the ranks of a run, shows their output, and ends them together.
 *
 * <p>The launcher hosts the rendezvous, and so knows which rank was lost first. When a rank fails, the others have half
 * a second to notice and report it; then they are told to end (SIGTERM), and killed 0.8 s later. An interrupt of {@link
 * #run} does the same without the half second. After {@link #stop}, or a signal to this process, they have {@link
 * LaunchPlan#grace} to end, enough for a training to save a checkpoint; a second signal kills them at once. A lost
 * expendable rank may be restarted ({@link LaunchPlan#restarts}). If the launcher itself is killed, a watcher process
 * of each rank ends it.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread calls {@link #run}, once; any may call {@link #stop}.
 *   <dt>Global state
 *   <dd>During {@link #run}, SIGTERM, SIGINT and SIGHUP end the ranks, not this JVM. {@link #run} then returns the
 *       status with which the program should exit: {@link LaunchResult#exitStatus}.
 * </dl>
 */
public final class Launcher {

    /** For the rendezvous, and for classes that are loaded later. */
    private static final int OWN_FILES = 32;

    /** Three pipes and the connection to the rendezvous; briefly twice as many while a rank is restarted. */
    private static final int FILES_PER_RANK = 8;

    private final LaunchPlan plan;
    private final SeatedCommand command;
    private final Terminal terminal;
    private final RankGroup group = new RankGroup(this::startAgain);

    /** By which the ranks and the rendezvous know that they belong to the same run. */
    private final RunSecret token = RunSecret.random(new SecureRandom());

    private final GroupGuard guard;

    /** How each rank is started, by rank. */
    private final List<RankStart> starts = new ArrayList<>();

    /**
     * Plans a run; nothing is started yet.
     *
     * @param out borrowed; gets the ranks' output, each line prefixed with its rank
     * @param err borrowed; gets the ranks' standard error, and the launcher's own messages
     */
    public Launcher(LaunchPlan plan, PrintStream out, PrintStream err) {
        this(plan, out, err, new SeatedCommand(event -> {}, "", address -> ""));
    }

    /**
     * As {@link #Launcher(LaunchPlan, PrintStream, PrintStream)}.
     *
     * @param command that starts a run with seats
     */
    public Launcher(LaunchPlan plan, PrintStream out, PrintStream err, SeatedCommand command) {
        this.plan = plan;
        this.command = command;
        terminal = new Terminal(out, err);
        guard = new GroupGuard(group, plan.grace(), terminal::say);
    }

    /**
     * The number of ranks that another launcher has started this process as one of; empty if there are not several. A
     * {@link #run} then needs a plan of as many ranks.
     *
     * @throws IllegalArgumentException if that launcher's variables are incomplete or contradict each other
     */
    public static OptionalInt startedAsOneOf() {
        return LaunchedRank.find(System.getenv()).stream()
                .mapToInt(LaunchEnvironment::size)
                .findFirst();
    }

    /**
     * Starts all ranks and waits until they have ended. If one failed, the reason has been written to the error stream.
     * If another launcher has started this process as one of several ranks, starts and awaits that rank alone.
     *
     * @throws io.gyre.GyreException if this process's limit on open files is too low; nothing was started
     * @throws IllegalArgumentException if the program or a host does not exist, or the user's secret
     *     ({@link GyreVariable#SECRET_FILE}) cannot be used, or the plan is not that of the other launcher; nothing was
     *     started
     * @throws UncheckedIOException if the rendezvous cannot listen, or the secret cannot be read; nothing was started
     * @throws IOException if a rank could not be started; all ranks have ended
     * @throws InterruptedException if this thread was interrupted; all ranks have ended
     */
    public LaunchResult run() throws IOException, InterruptedException {
        OpenFiles.require("the launcher", OWN_FILES + FILES_PER_RANK * plan.ranks());
        Optional<LaunchEnvironment> other = LaunchedRank.find(System.getenv());
        return other.isPresent() ? new LaunchedRank(plan, other.get(), terminal).run() : runAll();
    }

    private LaunchResult runAll() throws IOException, InterruptedException {
        LaunchSite site = LaunchSite.of(plan, token, terminal);
        LaunchResult result;
        if (plan.groups().isPresent()) {
            result = runGroups(plan.groups().get(), site);
        } else if (plan.seats().isPresent()) {
            result = runSeats(plan.seats().get(), site);
        } else {
            result = runRanks(site);
        }
        result.failure().ifPresent(terminal::say);
        return result;
    }

    private LaunchResult runRanks(LaunchSite site) throws IOException, InterruptedException {
        RunWatch watch = new RunWatch(group, terminal);
        guard.during(() -> {
            try (RendezvousServer rendezvous =
                    RendezvousServer.open(site.bind(), plan.ranks(), site.joinTimeout(), site.secret(), watch)) {
                startAndAwait(site, rendezvous.endpoint(), place -> plan);
            }
        });
        return result(watch.missing(), watch.loss());
    }

    /** Each group may lose its processes as long as others of it remain; the leads and the servers are a run, too. */
    private LaunchResult runGroups(GroupPlan groups, LaunchSite site) throws IOException, InterruptedException {
        GroupsWatch watch = new GroupsWatch(groups, group, terminal);
        List<SeatWatch> ofGroups = IntStream.range(0, groups.groups().size())
                .mapToObj(number -> SeatWatch.ofGroup(number, group, terminal, command.events()))
                .toList();
        guard.during(() -> {
            try (GroupVenues venues = GroupVenues.open(groups, site, watch, ofGroups)) {
                site.places().stream()
                        .map(Placement::rank)
                        .filter(process -> !groups.isServer(process))
                        .forEach(group::spare);
                startAndAwait(site.places(), place -> venues.start(place, plan));
            }
        });
        Optional<String> missing = watch.missing();
        if (missing.isEmpty() && watch.loss().isEmpty()) {
            missing = ofGroups.stream().flatMap(each -> each.missing().stream()).findFirst();
        }
        return result(missing, watch.loss());
    }

    /** Every process may be lost as long as others remain. */
    private LaunchResult runSeats(SeatPlan seats, LaunchSite site) throws IOException, InterruptedException {
        SeatWatch watch = new SeatWatch(group, terminal, command.events());
        AtomicBoolean over = new AtomicBoolean();
        guard.during(() -> {
            try (UsherServer usher =
                            UsherServer.open(site.bind(), seats.usherPlan(site.joinTimeout()), site.secret(), watch);
                    Newcomers newcomers = Newcomers.open(site, plan, seats, command, token, usher, watch);
                    StateDirectory state = seats.processes() == 1
                            ? null
                            : StateDirectory.open().orElse(null)) {
                site.places().forEach(place -> group.spare(place.rank()));
                LaunchPlan here = state == null ? plan : plan.withState(state.path());
                startAndAwait(site, usher.endpoint(), place -> place.here() ? here : plan);
                over.set(newcomers.await(() -> guard.signal() != 0));
            }
        });
        // Those from elsewhere may have done the work when all of this launcher's were lost.
        return group.failed() && over.get() && watch.missing().isEmpty()
                ? new LaunchResult(0, group.restarts(), Optional.empty(), false)
                : result(watch.missing(), Optional.empty());
    }

    /**
     * Lets {@link #run} end when one of the ranks below this number is killed, though others could continue: for a run
     * that then goes back to a checkpoint. Returns this launcher.
     */
    public Launcher endingWithKillsBelow(int rank) {
        group.endWithKillsBelow(rank);
        return this;
    }

    /**
     * Restarts only ranks from this number on, such as servers with backups: those below it have no place to come back
     * to, such as the ranks of a group. Returns this launcher.
     */
    public Launcher restartingFrom(int rank) {
        group.restartFrom(rank);
        return this;
    }

    private void startAndAwait(LaunchSite site, String meeting, Function<Placement, LaunchPlan> plans)
            throws IOException, InterruptedException {
        boolean onTerminal = plan.rootOwnsTerminal() && Terminal.isOurs();
        startAndAwait(
                site.places(),
                place -> RankStart.of(
                        place, plans.apply(place), meeting, site.hosts(), onTerminal && place.rank() == 0));
    }

    private void startAndAwait(List<Placement> places, Function<Placement, RankStart> starting)
            throws IOException, InterruptedException {
        try {
            start(places, starting);
            group.await();
        } finally {
            group.destroy();
            removeLeftovers();
        }
    }

    /** Ends all ranks within {@link LaunchPlan#grace}; {@link #run} then returns. */
    public void stop() {
        guard.stop();
    }

    private void start(List<Placement> places, Function<Placement, RankStart> starting)
            throws IOException, InterruptedException {
        try {
            for (Placement place : places) {
                RankStart start = starting.apply(place);
                starts.add(start);
                group.add(start.process(token, terminal));
            }
        } catch (IOException e) {
            group.stop(RankGroup.TO_END);
            group.await();
            throw e;
        }
    }

    private @Nullable RankProcess startAgain(RankProcess lost, int times) {
        if (times >= plan.restarts()) {
            return null;
        }
        Placement place = lost.place();
        String pid = lost.pid() == 0 ? "" : ", pid " + lost.pid();
        terminal.say(word() + place.rank() + " (host " + place.host() + pid
                + ") ended with exit status " + ExitStatus.words(lost.exitStatus()) + " and is restarted: "
                + (times + 1) + " of " + plan.restarts() + (plan.restarts() == 1 ? " time" : " times"));
        try {
            return starts.get(place.rank()).process(token, terminal);
        } catch (IOException e) {
            terminal.say(word() + place.rank() + " could not be restarted: " + e.getMessage());
            return null;
        }
    }

    /** What is started: ranks, or the processes that hold them. */
    private String word() {
        return plan.seats().isPresent() || plan.groups().isPresent() ? "started process " : "rank ";
    }

    /** A killed rank could not remove its files in shared memory. On other hosts the next run removes them. */
    private void removeLeftovers() {
        if (group.failed() || group.wasStopped()) {
            try {
                AeronSession.removeLeftovers();
            } catch (UncheckedIOException e) {
                terminal.say("files may remain in shared memory until the next run: " + e.getMessage());
            }
        }
    }

    private LaunchResult result(Optional<String> missing, Optional<Loss> loss) {
        if (group.failed()) {
            return new LaunchResult(
                    1,
                    group.restarts(),
                    Optional.of(FailureReport.of(group, missing, loss)),
                    FailureReport.isLoss(group, missing, loss));
        }
        if (group.restarts() > 0) {
            boolean hold = plan.seats().isPresent() || plan.groups().isPresent();
            terminal.say((hold ? "processes" : "ranks") + " were restarted " + group.restarts()
                    + (group.restarts() == 1 ? " time" : " times"));
        }
        for (RankEnd end : group.endsWhenStopped()) {
            terminal.say("rank " + end.rank() + " did not end in order when it was told to: it ended with exit status "
                    + ExitStatus.words(end.status()));
        }
        int stopped = guard.signal() == 0 ? 1 : ExitStatus.ofSignal(guard.signal());
        return new LaunchResult(group.wasStopped() ? stopped : 0, group.restarts(), Optional.empty(), false);
    }
}
