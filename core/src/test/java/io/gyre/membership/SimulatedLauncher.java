package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.SimulatedHosts.Host;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * The launcher of {@link SimulatedSeats}: a real usher, in each generation a real coordinator, and the connections of
 * the processes to them, which delay, are cut and break.
 */
final class SimulatedLauncher implements Outbox, Usher.Venue {

    /** A process's end of a connection. */
    interface Receiver {
        void received(Message message);

        void disconnected(String how);
    }

    /** A connection of a process to the usher, or to the coordinator of a generation. */
    final class Link {
        final int number = links.size();
        final SeatedLife process;
        private final Supervisor supervisor;
        private final Receiver receiver;
        private final boolean toUsher;
        private final int generation;
        private final Map<Long, Long> heartbeats = new HashMap<>();
        private long lastUp;
        private long lastDown;

        /** Whether the supervisor has closed it, or been told of its end. */
        private boolean closed;

        /** Whether the process has closed it, or been told of its end. */
        private boolean ended;

        private Link(SeatedLife process, Supervisor supervisor, int generation, Receiver receiver) {
            this.process = process;
            this.supervisor = supervisor;
            this.generation = generation;
            this.receiver = receiver;
            toUsher = supervisor == usher;
        }

        boolean isOpen() {
            return !ended;
        }

        /** When a heartbeat was sent, by the time of the simulation, and not by the supervisor's clock. */
        long sentAt(Heartbeat heartbeat) {
            return heartbeats.get(heartbeat.sent());
        }

        private boolean isServed() {
            return !hasEnded && !closed && (toUsher || generation == room);
        }

        private void up(Runnable action) {
            lastUp = Math.max(lastUp, hosts.now() + hosts.delay());
            hosts.deliver(lastUp, process, host, action);
        }

        private void down(Runnable action) {
            lastDown = Math.max(lastDown, hosts.now() + hosts.delay());
            hosts.deliver(lastDown, host, process, action);
        }

        /** From the process. */
        void send(Message message) {
            if (ended) {
                return;
            }
            up(() -> {
                if (isServed()) {
                    process.isHeard(this, message);
                    supervisor.received(number, message);
                    endIfOver();
                }
            });
        }

        /** The process closes it, or ends. */
        void end(String how) {
            if (!ended) {
                ended = true;
                up(() -> {
                    if (isServed()) {
                        closed = true;
                        supervisor.disconnected(number, how);
                        endIfOver();
                    }
                });
            }
        }

        private void hangUp(String how) {
            closed = true;
            down(() -> {
                if (!ended) {
                    ended = true;
                    receiver.disconnected(how);
                }
            });
        }

        /** It breaks: both sides learn of it. */
        void snap() {
            if (!ended && !closed) {
                end("its connection was reset");
                receiver.disconnected("its connection was reset");
            }
        }
    }

    final Host host = new Host();
    private final SimulatedSeats run;
    private final SimulatedHosts hosts;
    private final List<Link> links = new ArrayList<>();
    private final Usher usher;
    private @Nullable Coordinator coordinator;
    private int room;
    private boolean hasEnded;

    SimulatedLauncher(SimulatedSeats run, SeatListener listener) {
        this.run = run;
        hosts = run.hosts;
        usher = new Usher(Played.RUN, run.plan, Played.HOST, this, this, listener, hosts.now());
    }

    boolean hasEnded() {
        return hasEnded;
    }

    void tick() {
        if (host.frozenUntil <= hosts.now() && !hasEnded) {
            usher.tick(hosts.now());
            if (coordinator != null) {
                coordinator.tick(hosts.now());
            }
            endIfOver();
        }
    }

    /** Connects a process to the usher, or to the coordinator of a generation. */
    Link connect(SeatedLife process, int generation, Receiver receiver) {
        Coordinator rendezvous = coordinator;
        Supervisor supervisor = generation == 0 || rendezvous == null ? usher : rendezvous;
        Link link = new Link(process, supervisor, generation, receiver);
        links.add(link);
        link.up(() -> {
            if (link.isServed()) {
                supervisor.connected(link.number);
            } else {
                link.hangUp("nobody listens there");
            }
        });
        return link;
    }

    private void endIfOver() {
        if (usher.isOver() && !hasEnded) {
            usher.refuseLatecomers(links.stream()
                    .filter(link -> link.toUsher && !link.closed)
                    .map(link -> link.number)
                    .toList());
            hasEnded = true;
            run.note("the launcher ends");
            links.stream().filter(link -> !link.closed).forEach(link -> link.hangUp("the launcher has ended"));
        }
    }

    @Override
    public void send(int connection, Message message) {
        Link link = links.get(connection);
        if (!link.closed) {
            if (message instanceof Heartbeat heartbeat) {
                link.heartbeats.put(heartbeat.sent(), hosts.now());
            }
            link.down(() -> {
                if (!link.ended) {
                    link.receiver.received(message);
                }
            });
        }
    }

    @Override
    public void close(int connection) {
        Link link = links.get(connection);
        if (!link.closed) {
            link.hangUp("its connection was closed");
        }
    }

    @Override
    public String open(int generation, int ranks) {
        for (Link link : links) {
            if (!link.toUsher && !link.closed) {
                link.hangUp("the rendezvous of the generation was closed");
            }
        }
        assertThat(generation).as("number of the generation").isEqualTo(room + 1);
        room = generation;
        coordinator = new Coordinator(
                Played.RUN,
                ranks,
                Played.HOST,
                Duration.ofSeconds(20),
                run.plan.limits(),
                this,
                RunListener.NONE,
                hosts.now(),
                new SplittableRandom(0));
        return "room:" + generation;
    }

    @Override
    public void giveUp(Member lost, String reason) {
        if (coordinator != null) {
            coordinator.giveUp(lost, reason);
        }
    }
}
