package io.gyre.launcher;

import io.gyre.signals.TerminationSignals;
import io.gyre.transport.AeronSession;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.OpenFiles;
import io.gyre.transport.RendezvousServer;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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

    /** The default time for which a rank waits for the others: a rank that has not joined by then hangs. */
    private static final Duration JOIN_TIMEOUT = Duration.ofSeconds(60);

    /** For the rendezvous, and for classes that are loaded later. */
    private static final int OWN_FILES = 32;

    /** Three pipes and the connection to the rendezvous; briefly twice as many while a rank is restarted. */
    private static final int FILES_PER_RANK = 8;

    private final LaunchPlan plan;
    private final Terminal terminal;
    private final RankGroup group = new RankGroup(this::startAgain);

    /** By which the ranks and the rendezvous know that they belong to the same run. */
    private final RunSecret token = RunSecret.random(new SecureRandom());

    private final CountDownLatch finished = new CountDownLatch(1);

    /** Number of the first signal to this process; 0 for none. */
    private final AtomicInteger signal = new AtomicInteger();

    /** How each rank is started, by rank. */
    private final List<Start> starts = new ArrayList<>();

    private record Start(Placement place, List<String> command, Map<String, String> variables, boolean ownsTerminal) {}

    /**
     * Plans a run; nothing is started yet.
     *
     * @param out borrowed; gets the ranks' output, each line prefixed with its rank
     * @param err borrowed; gets the ranks' standard error, and the launcher's own messages
     */
    public Launcher(LaunchPlan plan, PrintStream out, PrintStream err) {
        this.plan = plan;
        terminal = new Terminal(out, err);
    }

    /**
     * Starts all ranks and waits until they have ended. If one failed, the reason has been written to the error stream.
     *
     * @throws io.gyre.GyreException if this process's limit on open files is too low; nothing was started
     * @throws IllegalArgumentException if the program or a host does not exist, or the user's secret
     *     ({@link GyreVariable#SECRET_FILE}) cannot be used; nothing was started
     * @throws UncheckedIOException if the rendezvous cannot listen, or the secret cannot be read; nothing was started
     * @throws IOException if a rank could not be started; all ranks have ended
     * @throws InterruptedException if this thread was interrupted; all ranks have ended
     */
    public LaunchResult run() throws IOException, InterruptedException {
        OpenFiles.require("the launcher", OWN_FILES + FILES_PER_RANK * plan.ranks());
        List<Placement> places = places();
        if (places.stream().anyMatch(Placement::here)) {
            plan.program().checkPresent();
        }
        String ownAddress = ownAddress(places);
        Map<String, String> environment = new HashMap<>(System.getenv());
        environment.putAll(plan.environment());
        if (GyreVariable.TRUSTED_NETWORK.flag(environment).orElse(false)) {
            terminal.say(GyreVariable.TRUSTED_NETWORK
                    + "=true: whoever reaches the network of the ranks can read and alter what they exchange");
        }
        RunSecret secret = secret(environment);
        ShutdownHook hook = ShutdownHook.add(this::stopAndWait);
        RunWatch watch = new RunWatch(group, terminal);
        TerminationSignals signals = TerminationSignals.handle(this::signalled);
        try (RendezvousServer rendezvous = RendezvousServer.open(
                new InetSocketAddress(ownAddress, plan.port()), plan.ranks(), JOIN_TIMEOUT, secret, watch)) {
            start(places, ownAddress, rendezvous.endpoint());
            group.await();
        } finally {
            group.destroy();
            removeLeftovers();
            finished.countDown();
            signals.close();
            hook.remove();
        }
        LaunchResult result = result(watch);
        result.failure().ifPresent(terminal::say);
        return result;
    }

    /** Ends all ranks within {@link LaunchPlan#grace}; {@link #run} then returns. */
    public void stop() {
        // By then the ranks themselves have reported where they were.
        group.stop(plan.grace().plus(RankGroup.TO_END));
    }

    private void signalled(String name, int number) {
        if (signal.compareAndSet(0, number)) {
            terminal.say(name + ": the ranks have " + seconds(plan.grace())
                    + " s to end in order; another signal ends them at once");
            stop();
        } else {
            group.kill();
        }
    }

    private static String seconds(Duration time) {
        return new BigDecimal(time.toMillis())
                .movePointLeft(3)
                .stripTrailingZeros()
                .toPlainString();
    }

    /** This JVM exits, and not because of a signal. */
    private void stopAndWait() {
        group.stop(RankGroup.TO_END);
        try {
            if (finished.await(3, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        group.destroy();
    }

    /** What a rank with this environment reads: the token, together with the user's secret if there is one. */
    private RunSecret secret(Map<String, String> environment) {
        // Another run's, if this process is itself a rank.
        environment.remove(GyreVariable.TOKEN_FILE.key());
        return RunSecret.fromEnvironment(environment)
                .map(users -> users.and(token))
                .orElse(token);
    }

    private List<Placement> places() {
        if (plan.hosts().isEmpty()) {
            return Placement.spread(plan.ranks(), List.of(HostAddress.ownName()), host -> true);
        }
        return Placement.spread(plan.ranks(), plan.hosts(), HostAddress::isOwn);
    }

    /** Where the rendezvous listens: at loopback, unless a rank on another host must reach it. */
    private static String ownAddress(List<Placement> places) {
        Optional<String> chosen = GyreVariable.BIND.text(System.getenv());
        if (chosen.isPresent()) {
            return chosen.get();
        }
        return places.stream()
                .filter(place -> !place.here())
                .findFirst()
                .map(place -> HostAddress.ownTowards(place.host()))
                .orElse("127.0.0.1");
    }

    private void start(List<Placement> places, String ownAddress, String rendezvous)
            throws IOException, InterruptedException {
        boolean rootOnTerminal = plan.rootOwnsTerminal() && Terminal.isOurs();
        boolean severalHosts = places.stream().anyMatch(place -> !place.here());
        String directory = Path.of("").toAbsolutePath().toString();
        try {
            for (Placement place : places) {
                Map<String, String> variables = RankEnvironment.of(
                        place,
                        rendezvous,
                        plan.transport().toString(),
                        Runtime.getRuntime().availableProcessors(),
                        System.getenv());
                if (severalHosts) {
                    GyreVariable.BIND.put(variables, place.here() ? ownAddress : HostAddress.of(place.host()));
                    GyreVariable.HOST_ID.put(variables, place.host());
                }
                GyreVariable.GRACE.put(variables, seconds(plan.grace()));
                variables.putAll(RankEnvironment.device(place, plan.devices()));
                variables.putAll(plan.environment());
                List<String> command = place.here()
                        ? RankCommand.here(directory, java(place))
                        : RankCommand.over(place.host(), variables, directory, java(place));
                Start start = new Start(place, command, variables, rootOnTerminal && place.rank() == 0);
                starts.add(start);
                group.add(process(start));
            }
        } catch (IOException e) {
            group.stop(RankGroup.TO_END);
            group.await();
            throw e;
        }
    }

    private RankProcess process(Start start) throws IOException {
        return RankProcess.start(
                start.place, start.command, start.variables, token, terminal, start.ownsTerminal);
    }

    private @Nullable RankProcess startAgain(RankProcess lost, int times) {
        if (times >= plan.restarts()) {
            return null;
        }
        Placement place = lost.place();
        String pid = lost.pid() == 0 ? "" : ", pid " + lost.pid();
        terminal.say("rank " + place.rank() + " (host " + place.host() + pid
                + ") ended with exit status " + ExitStatus.words(lost.exitStatus()) + " and is restarted: "
                + (times + 1) + " of " + plan.restarts() + (plan.restarts() == 1 ? " time" : " times"));
        try {
            return process(starts.get(place.rank()));
        } catch (IOException e) {
            terminal.say("rank " + place.rank() + " could not be restarted: " + e.getMessage());
            return null;
        }
    }

    private List<String> java(Placement place) {
        List<String> java = new ArrayList<>();
        java.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        java.addAll(JvmFlags.STANDARD);
        java.addAll(RankMemory.flags(place.localSize()));
        java.addAll(plan.program().entry());
        java.addAll(plan.program().arguments());
        return java;
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

    private LaunchResult result(RunWatch watch) {
        if (group.failed()) {
            return new LaunchResult(1, group.restarts(), Optional.of(FailureReport.of(group, watch)));
        }
        if (group.restarts() > 0) {
            terminal.say("ranks were restarted " + group.restarts() + (group.restarts() == 1 ? " time" : " times"));
        }
        for (RankEnd end : group.endsWhenStopped()) {
            terminal.say("rank " + end.rank() + " did not end in order when it was told to: it ended with exit status "
                    + ExitStatus.words(end.status()));
        }
        int stopped = signal.get() == 0 ? 1 : ExitStatus.ofSignal(signal.get());
        return new LaunchResult(group.wasStopped() ? stopped : 0, group.restarts(), Optional.empty());
    }
}
