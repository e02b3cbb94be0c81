package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.OptionRange;
import io.gyre.membership.Attendance;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.Seating;
import io.gyre.network.Time;
import io.gyre.session.Generation;
import io.gyre.session.Groups;
import io.gyre.session.Reached;
import io.gyre.session.SeatedRun;
import io.gyre.session.SeatedSession;
import io.gyre.session.Session;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process's part in a run with seats: an {@link UsherServer} supervises it, and in each generation every seat of this
 * process has an {@link AeronSession}.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>A daemon thread from {@link #join} to {@link #close}, besides those of the sessions.
 * </dl>
 */
public final class AeronSeats implements SeatedRun {

    private static final Logger LOG = LoggerFactory.getLogger(AeronSeats.class);
    private static final Duration GREETING_TIMEOUT = Duration.ofSeconds(5);
    private static final long RETRY_NANOS = 50_000_000;

    private final JoinOptions options;
    private ControlLink<Attendance> link;
    private volatile Attendance attendance;
    private Optional<Path> stateDirectory = Optional.empty();
    private @Nullable Session session;
    private volatile int generation;
    private boolean failed;
    private boolean closed;

    /**
     * Takes part in the run that the environment names: {@link GyreVariable#SEATS} and {@link
     * GyreVariable#RENDEZVOUS}, as {@code gyre run --processes} sets them. Seats come with {@link #next}.
     *
     * @param environment as returned by {@link System#getenv()}
     * @return empty if it names none
     * @throws IllegalArgumentException if a variable is invalid
     * @throws GyreException if the rendezvous is not found, or this process is refused
     */
    public static Optional<AeronSeats> ifLaunched(Map<String, String> environment) {
        OptionalInt seats = GyreVariable.SEATS.number(environment);
        if (seats.isEmpty()) {
            return Optional.empty();
        }
        OptionRange.check(GyreVariable.SEATS + " =", seats.getAsInt(), 1, Integer.MAX_VALUE);
        AeronSeats run = join(JoinOptions.ofSeats(seats.getAsInt(), environment));
        run.stateDirectory =
                GyreVariable.STATE_DIR.text(environment).map(Path::of).filter(StateDirectory::isUsable);
        return Optional.of(run);
    }

    /**
     * Takes part in a run.
     *
     * @param options with {@link JoinOptions#ANY_RANK} as the rank, the number of seats as that of ranks, and the
     *     address of the usher
     */
    public static AeronSeats join(JoinOptions options) {
        JvmRequirements.checkOpened();
        return new AeronSeats(options);
    }

    private AeronSeats(JoinOptions options) {
        this.options = options;
        link = enter(options);
        attendance = link.downlink();
    }

    /** Connects to the usher, and asks to take part. */
    private static ControlLink<Attendance> enter(JoinOptions options) {
        ControlLink<Attendance> link = connect(options);
        Attendance attendance = link.downlink();
        try {
            Welcome unused = attendance.welcome(GREETING_TIMEOUT);
            attendance.join(new Join(
                    Message.PROTOCOL_VERSION,
                    options.worldSize(),
                    new Member(
                            Message.ANY_RANK,
                            HostIdentity.name(),
                            ProcessHandle.current().pid()),
                    AeronSession.common(options)));
            return link;
        } catch (RuntimeException e) {
            link.close();
            throw e;
        }
    }

    private static ControlLink<Attendance> connect(JoinOptions options) {
        RendezvousPlace place = RendezvousPlace.of(options.rendezvous(), HostNames.OF_SYSTEM, Time.SYSTEM);
        ControlKey key = new ControlKey(TrustedNetwork.secret(
                options.secret(), options.trustedNetwork(), options.transport().isOneHost(), List.of()));
        long deadline = System.nanoTime() + options.joinTimeout().toNanos();
        while (true) {
            try {
                InetSocketAddress address = place.address();
                return ControlLink.connect(
                        address,
                        key,
                        (uplink, monitor) -> new Attendance(address.toString(), uplink, Time.SYSTEM, monitor),
                        GREETING_TIMEOUT);
            } catch (IOException e) {
                if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
                    throw new GyreException(
                            "this process did not find the rendezvous at " + options.rendezvous() + " within "
                                    + options.joinTimeout().toMillis() + " ms: " + e.getMessage()
                                    + ". It is opened by the launcher: is that running?",
                            e);
                }
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    /**
     * Joins the run of groups and servers, as the rank of this process's group, with the options and the secret that
     * this process has. Blocks until all have joined, or until the place of a lost lead is taken.
     *
     * @param group of this process
     * @param peerTimeout how long to wait for a server that is alive but silent
     * @throws GyreException if the place is not free, or the run has ended
     */
    public AeronSession joinGroups(GroupPlace group, Duration peerTimeout) {
        return AeronSession.join(options.toRank(group.group(), group.size(), group.rendezvous()).toBuilder()
                .peerTimeout(peerTimeout)
                .build());
    }

    @Override
    public int seats() {
        return options.worldSize();
    }

    @Override
    public Generation next(Reached reached) {
        while (true) {
            closeSession();
            Convened convened = awaitSeats(reached);
            generation = convened.generation();
            try {
                Session joined = joinSeats(convened);
                session = joined;
                return new Generation(convened.generation(), joined, convened.source());
            } catch (GyreException e) {
                // Another process was lost meanwhile: the usher convenes again.
                LOG.info("generation {} has not begun: {}", convened.generation(), e.getMessage());
            }
        }
    }

    /** A process that was given up, or lost the usher, comes again: what it holds may still be of use. */
    private Convened awaitSeats(Reached reached) {
        while (true) {
            try {
                return attendance.awaitSeats(reached);
            } catch (GyreException e) {
                if (!attendance.mayComeAgain() || failed) {
                    throw e;
                }
                LOG.warn("{}. It asks to take part again", e.getMessage());
            }
            link.close();
            link = enter(options);
            attendance = link.downlink();
            generation = 0;
        }
    }

    private Session joinSeats(Convened convened) {
        Seating seating = new Seating(convened.holders());
        Groups processes =
                new Groups(seating.processes().stream().map(seating::seatsOf).toList());
        int lead = seating.seatsOf(convened.own()).get(0);
        try {
            return SeatedSession.join(
                    processes, lead, rank -> AeronSession.join(options.toSeat(rank, convened.rendezvous())));
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new GyreException("this process could not join its seats: " + e.getMessage(), e);
        }
    }

    private void closeSession() {
        Session open = session;
        if (open != null) {
            session = null;
            open.close();
        }
    }

    @Override
    public Optional<Path> stateDirectory() {
        return stateDirectory;
    }

    @Override
    public boolean isAdjourned() {
        return attendance.isAdjourned(generation);
    }

    @Override
    public void fail(String reason) {
        failed = true;
        attendance.fail(reason);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        closeSession();
        if (!failed) {
            attendance.leave();
        }
        link.close();
    }
}
