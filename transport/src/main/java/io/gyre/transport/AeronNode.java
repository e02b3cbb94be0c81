package io.gyre.transport;

import io.aeron.Aeron;
import io.aeron.driver.Configuration;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentInvoker;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.NoOpLock;
import org.agrona.concurrent.SleepingIdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * The Aeron side of one rank: its own media driver and the clients that use it, none of which has a thread. The rank's
 * thread runs them while it waits ({@link #pump}). A daemon thread runs them while the rank computes, because peers
 * still need responses then, and Aeron declares a client dead after 15 s of silence. All of this happens under one
 * lock.
 */
final class AeronNode implements AutoCloseable {

    /**
     * Far longer than any pause of a healthy process: Aeron's liveness is not our failure detector, and with short
     * timeouts healthy clients close themselves on a busy machine.
     */
    private static final Duration LIVENESS = Duration.ofSeconds(15);

    /** Aeron requires more than the liveness timeout. */
    private static final Duration UNBLOCK = Duration.ofSeconds(20);

    /** How long a finished stream still retransmits to a receiver that missed something. */
    private static final Duration LINGER = Duration.ofSeconds(2);

    private static final Duration TIMER = Duration.ofMillis(100);

    /**
     * Memory of a driver without streams: buffers for commands, counters and errors, of the smallest lengths it
     * accepts.
     */
    static final long BASE_BYTES = (long) Configuration.CONDUCTOR_BUFFER_LENGTH_DEFAULT
            + Configuration.TO_CLIENTS_BUFFER_LENGTH_DEFAULT
            + Configuration.countersMetadataBufferLength(Configuration.COUNTERS_VALUES_BUFFER_LENGTH_MIN)
            + Configuration.COUNTERS_VALUES_BUFFER_LENGTH_MIN
            + Configuration.ERROR_BUFFER_LENGTH_DEFAULT
            + Configuration.LOSS_REPORT_BUFFER_LENGTH_DEFAULT;

    /** Clients only measure time and read rare messages: they need not run as often as the driver. */
    private static final int PUMPS_PER_CLIENT_TURN = 256;

    /**
     * A turn of the driver takes one datagram from each socket, and costs as much as a small one. This many bytes are
     * taken before the caller polls.
     */
    private static final int BYTES_PER_PUMP = 16 << 10;

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final MediaDriver driver;
    private final AgentInvoker driverInvoker;
    private final Aeron client;
    private final List<Aeron> clients = new ArrayList<>();
    private final AgentThread keepAlive;
    private volatile boolean closed;
    private volatile boolean hurry;
    private final int turnsPerPump;
    private int pumps;

    /**
     * Starts a driver.
     *
     * @param directory the driver's; must not exist yet
     * @param termBytes term length of a stream's log
     * @param udp UDP settings; null without UDP
     * @param seal seals all datagrams; null if they are plain
     * @param faults receives errors of the driver and of its client
     * @param label part of the thread's name
     */
    AeronNode(
            Path directory,
            int termBytes,
            @Nullable UdpSettings udp,
            @Nullable DatagramSeal seal,
            ErrorHandler faults,
            String label) {
        MediaDriver.Context context = new MediaDriver.Context()
                .aeronDirectoryName(directory.toString())
                .dirDeleteOnStart(true)
                .dirDeleteOnShutdown(true)
                .threadingMode(ThreadingMode.INVOKER)
                .asyncExecutorEnabled(false)
                .epochClock(MonotonicClock.INSTANCE)
                .errorHandler(faults)
                .termBufferSparseFile(false)
                .performStorageChecks(true)
                .lowStorageWarningThreshold(0)
                .counterValuesBufferLength(Configuration.COUNTERS_VALUES_BUFFER_LENGTH_MIN)
                .ipcTermBufferLength(termBytes)
                .publicationTermBufferLength(termBytes)
                .ipcMtuLength(JoinOptions.MAX_MTU)
                .driverTimeoutMs(LIVENESS.toMillis())
                .timerIntervalNs(TIMER.toNanos())
                .clientLivenessTimeoutNs(LIVENESS.toNanos())
                .imageLivenessTimeoutNs(LIVENESS.toNanos())
                .publicationConnectionTimeoutNs(LIVENESS.toNanos())
                .publicationUnblockTimeoutNs(UNBLOCK.toNanos())
                .publicationLingerTimeoutNs(LINGER.toNanos())
                .untetheredWindowLimitTimeoutNs(LIVENESS.toNanos())
                .untetheredRestingTimeoutNs(LIVENESS.toNanos())
                // One source per stream: any other sender is not a peer of ours.
                .streamSessionLimit(1)
                .rejoinStream(false);
        if (udp != null) {
            context.mtuLength(udp.mtu())
                    .sendChannelEndpointSupplier(CalmSendEndpoint::new)
                    .initialWindowLength(udp.windowBytes())
                    .socketRcvbufLength(udp.receiveBufferBytes())
                    .socketSndbufLength(udp.sendBufferBytes());
        }
        if (seal != null) {
            context.sendChannelEndpointSupplier(
                            (channel, status, of) -> new SealedSendEndpoint(channel, status, of, seal))
                    .receiveChannelEndpointSupplier((channel, dispatcher, status, of) ->
                            new SealedReceiveEndpoint(channel, dispatcher, status, of, seal));
        }
        driver = MediaDriver.launch(context);
        driverInvoker = driver.sharedAgentInvoker();
        try {
            client = Aeron.connect(clientContext(directory.toString(), faults).driverAgentInvoker(driverInvoker));
        } catch (RuntimeException e) {
            driver.close();
            throw e;
        }
        clients.add(client);
        turnsPerPump = udp == null ? 1 : Math.max(1, BYTES_PER_PUMP / udp.mtu());
        IdleStrategy sleep = new SleepingIdleStrategy(TimeUnit.MILLISECONDS.toNanos(udp == null ? 5 : 1));
        keepAlive = new AgentThread(new KeepAlive("gyre-keep-alive-" + label), sleep, faults, () -> {});
    }

    private static Aeron.Context clientContext(String directory, ErrorHandler faults) {
        return new Aeron.Context()
                .aeronDirectoryName(directory)
                .driverTimeoutMs(LIVENESS.toMillis())
                .useConductorAgentInvoker(true)
                .clientLock(NoOpLock.INSTANCE)
                .epochClock(MonotonicClock.INSTANCE)
                .errorHandler(faults)
                .subscriberErrorHandler(faults);
    }

    /** The client of this rank's own driver; use it only inside {@link #locked}. */
    Aeron client() {
        return client;
    }

    /**
     * Attaches to the driver of a peer on this host, so that its memory can be read.
     *
     * @param directory of the peer's driver
     * @param faults receives this client's errors, and the end of that driver
     */
    Aeron attach(String directory, ErrorHandler faults) {
        return locked(() -> {
            Aeron attached = Aeron.connect(clientContext(directory, faults).driverAgentInvoker(driverInvoker));
            clients.add(attached);
            return attached;
        });
    }

    /** Closes a client attached to a peer's driver; use it only inside {@link #locked}. */
    void detach(Aeron attached) {
        clients.remove(attached);
        attached.close();
    }

    /**
     * Runs driver and clients briefly, unless the other thread is running them. Does nothing on an interrupted thread:
     * Aeron and the sockets below would take the interrupt as a request to close.
     */
    void pump() {
        if (!Thread.currentThread().isInterrupted() && lock.tryLock()) {
            try {
                for (int turn = 0; turn < turnsPerPump; turn++) {
                    if (driverInvoker.invoke() == 0) {
                        break;
                    }
                }
                if (++pumps % PUMPS_PER_CLIENT_TURN == 0 || hurry) {
                    hurry = false;
                    runClients();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private void runClients() {
        for (int i = 0; i < clients.size(); i++) {
            clients.get(i).conductorAgentInvoker().invoke();
        }
    }

    /** Runs an action on a client under the lock. */
    <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** Makes the clients run in the next turn, because a caller waits for one. */
    void hurry() {
        hurry = true;
    }

    /** Runs driver and clients until a condition holds; false if it does not hold by the deadline. */
    boolean pumpUntil(BooleanSupplier reached, long deadline) {
        while (!reached.getAsBoolean()) {
            if (System.nanoTime() - deadline >= 0) {
                return false;
            }
            hurry();
            pump();
            LockSupport.parkNanos(50_000);
        }
        return true;
    }

    /** Runs driver and clients while the rank does not. */
    private final class KeepAlive implements Agent {

        private final String name;

        /** Number of pumps at the last turn. */
        private int pumpsSeen;

        KeepAlive(String name) {
            this.name = name;
        }

        @Override
        public int doWork() {
            if (lock.tryLock()) {
                try {
                    if (pumps == pumpsSeen && !closed) {
                        driverInvoker.invoke();
                        runClients();
                    }
                    pumpsSeen = pumps;
                } finally {
                    lock.unlock();
                }
            }
            return 0;
        }

        @Override
        public String roleName() {
            return name;
        }
    }

    /** Closes clients and driver. No thread may be inside a stream's memory. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        keepAlive.close(CLOSE_TIMEOUT);
        lock.lock();
        try {
            for (Aeron each : clients) {
                each.close();
            }
            clients.clear();
            driver.close();
        } finally {
            lock.unlock();
        }
    }
}
