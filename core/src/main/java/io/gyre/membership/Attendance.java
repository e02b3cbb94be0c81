package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.membership.Message.Adjourn;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.Present;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Welcome;
import io.gyre.network.Time;
import io.gyre.session.Reached;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A process's side of the protocol with its {@link Usher}: it joins once, and then asks for its seats in one generation
 * after the other. The usher's heartbeats are sent back at once.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may call any method; one waits for seats at a time. Waits release the monitor. {@link #isAdjourned}
 *       takes no lock.
 * </dl>
 */
public final class Attendance implements Downlink {

    /** Longest sleep, since nobody signals the end of the uplink's thread. */
    private static final Duration POLL = Duration.ofMillis(200);

    private final String address;
    private final Uplink uplink;
    private final Time time;
    private final Object monitor;
    private final UnstalledClock clock;
    private final Pulse pulse;
    private @Nullable Welcome welcome;
    private @Nullable Convened convened;
    private @Nullable String end;
    private boolean joined;
    private boolean detached;
    private boolean givenUp;

    /** Whether the run has ended for this process, or goes on without it. */
    private boolean refusal;

    private boolean closed;

    /** The generation in which this process holds seats, or has; 0 before the first. */
    private int generation;

    /** The last generation that was asked to end. */
    private volatile int adjourned;

    /**
     * Starts to listen.
     *
     * @param address of the usher, for errors
     * @param uplink borrowed
     * @param time of all waits
     * @param monitor guards this object
     */
    public Attendance(String address, Uplink uplink, Time time, Object monitor) {
        this.address = address;
        this.uplink = uplink;
        this.time = time;
        this.monitor = monitor;
        clock = new UnstalledClock(time.now(), Coordinator.TICK.multipliedBy(2));
        pulse = new Pulse(clock.time());
    }

    @Override
    public void received(Message message) {
        synchronized (monitor) {
            pulse.beat(clock.time());
            if (message instanceof Welcome greeting) {
                welcome = greeting;
            } else if (message instanceof Convened seats) {
                convened = seats;
            } else if (message instanceof Heartbeat) {
                uplink.send(message);
            } else if (message instanceof Adjourn adjourn) {
                adjourned = adjourn.generation();
            } else if (message instanceof Lost lost) {
                givenUp = true;
                end("the others have given it up, and continue without it: " + lost.reason());
            } else if (message instanceof Refused refused) {
                refusal = true;
                end(refused.reason());
            } else {
                end("the process that listens at " + address + " sent a "
                        + message.getClass().getSimpleName() + " message, which is not an usher's to send");
            }
            time.signal(monitor);
        }
    }

    @Override
    public void disconnected(String how) {
        synchronized (monitor) {
            if (!detached) {
                detached = true;
                end("the launcher, which supervises the run, was lost: " + how);
            }
            time.signal(monitor);
        }
    }

    @Override
    public void tick() {
        synchronized (monitor) {
            long now = clock.advance(time.now());
            if (!joined || detached) {
                pulse.beat(now);
            } else if (pulse.isLost(now, limits())) {
                disconnected(limits().ofSupervisor());
            }
            time.signal(monitor);
        }
    }

    private SilenceLimits limits() {
        return welcome == null ? SilenceLimits.DEFAULT : welcome.limits();
    }

    private void end(String reason) {
        if (end == null) {
            end = reason;
        }
    }

    @Override
    public boolean isDetached() {
        synchronized (monitor) {
            return detached;
        }
    }

    @Override
    public void close() {
        synchronized (monitor) {
            closed = true;
            time.signal(monitor);
        }
    }

    /** Waits for the usher's greeting, and returns it. */
    public Welcome welcome(Duration timeout) {
        synchronized (monitor) {
            long deadline = time.now() + timeout.toNanos();
            while (welcome == null) {
                check("joining the run");
                if (deadline - time.now() <= 0) {
                    throw new GyreException("the process that listens at " + address
                            + " did not answer as a rendezvous of Gyre within " + timeout.toMillis()
                            + " ms. Is the port in use by another program?");
                }
                sleep();
            }
            return welcome;
        }
    }

    /** Asks to take part. A refusal shows later. */
    public void join(Join request) {
        synchronized (monitor) {
            joined = true;
            uplink.send(request);
        }
    }

    /**
     * Reports that this process can take seats, and waits until it has some: for as long as the usher supervises the
     * run.
     *
     * @param reached how far it has come
     * @throws GyreException if the run has ended, or this process is not in it
     */
    public Convened awaitSeats(Reached reached) {
        synchronized (monitor) {
            ask(reached);
            Convened seats = seats();
            while (seats == null) {
                sleep();
                seats = seats();
            }
            return seats;
        }
    }

    /** Reports that this process can take seats. */
    void ask(Reached reached) {
        synchronized (monitor) {
            convened = null;
            uplink.send(new Present(generation, reached));
        }
    }

    /** The seats that this process was given since it asked; null if it has none yet. */
    @Nullable Convened seats() {
        synchronized (monitor) {
            Convened seats = convened;
            if (seats == null) {
                check("waiting for seats");
            } else {
                generation = seats.generation();
            }
            return seats;
        }
    }

    private void check(String doing) {
        if (end != null) {
            throw new GyreException("this process stopped in " + doing + ": " + end);
        }
        if (closed) {
            throw new GyreException("this process stopped in " + doing + ": its part in the run has been closed");
        }
    }

    private void sleep() {
        try {
            time.await(monitor, POLL.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("this process was interrupted while it waited for the usher", e);
        }
        uplink.turn();
    }

    /** Whether the present generation has been asked to end, since a process waits for seats. Takes no lock. */
    public boolean isAdjourned(int ofGeneration) {
        return adjourned >= ofGeneration;
    }

    /** Whether the others have given up this process, or it has lost the usher: it may come again, as a new process. */
    public boolean mayComeAgain() {
        synchronized (monitor) {
            return !closed && !refusal && (givenUp || detached);
        }
    }

    /** Leaves the run: this process has done its work. */
    public void leave() {
        synchronized (monitor) {
            uplink.send(new Leave(List.of(), ""));
        }
    }

    /** Tells the usher that this process cannot continue. */
    public void fail(String reason) {
        synchronized (monitor) {
            uplink.send(new Failed(reason));
        }
    }
}
