package io.gyre.local;

import io.gyre.GyreException;
import io.gyre.OptionRange;
import io.gyre.PeerLostException;
import io.gyre.network.Backoff;
import io.gyre.network.Time;
import io.gyre.session.Groups;
import io.gyre.session.SeatedSession;
import io.gyre.session.Session;
import io.gyre.session.UserCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a program once per rank, each rank in its own thread, and waits for all. Created by {@link Gyre#local}, or by
 * {@link #over} for another network.
 *
 * <p>The threads live as long as one call of {@link #run} or {@link #call}. When a rank fails, the others end with
 * {@link PeerLostException}, and the first failure is thrown to the caller. Failures of other ranks are added as
 * suppressed exceptions if they differ and are not its consequence. A rank that has not ended half a second later is
 * interrupted, since its program may wait for something else. One that ignores the interrupt is waited for, and logged
 * with its stack.
 */
public final class LocalCluster {

    private static final Logger LOG = LoggerFactory.getLogger(LocalCluster.class);

    /** After the first failure: the others notice much sooner wherever they wait for a rank. */
    private static final long TO_NOTICE_NANOS = 500_000_000L;

    /** After the interrupt. */
    private static final long TO_STOP_NANOS = 300_000_000L;

    private static final long LOOK_MILLIS = 100;

    /** The session of a rank's thread, while its program runs. */
    private static final ThreadLocal<@Nullable Session> OF_THREAD = new ThreadLocal<>();

    private final Network network;
    private final int ranks;
    private final Groups seating;
    private final Duration peerTimeout;

    private LocalCluster(Network network, Groups seating, Duration peerTimeout) {
        this.network = network;
        this.seating = seating;
        ranks = seating.ranks();
        this.peerTimeout = OptionRange.positive("peer timeout", peerTimeout);
    }

    /**
     * Ranks as threads of this JVM over a network of the caller's choice, mostly to test that network.
     *
     * @param network opened anew for every run
     * @param ranks at least 1
     */
    public static LocalCluster over(Network network, int ranks) {
        if (ranks < 1) {
            throw new IllegalArgumentException("a local cluster of " + ranks + " ranks: at least 1 is needed");
        }
        return new LocalCluster(network, Groups.ofOneRank(ranks), Session.DEFAULT_PEER_TIMEOUT);
    }

    /** How the ranks of a run find each other. */
    @FunctionalInterface
    public interface Network {
        /**
         * Prepares one run; called before any of its ranks joins.
         *
         * @param ranks number of ranks that will join
         * @param peerTimeout how long a rank waits for a silent peer
         */
        Rendezvous open(int ranks, Duration peerTimeout);

        /** The network of {@link Gyre#local}: queues in this JVM's memory. */
        static Network inProcess() {
            return (ranks, peerTimeout) -> new InProcessNetwork(ranks, peerTimeout)::session;
        }

        /**
         * The same network with a time of its own, for a simulation: ranks wait, and give up, by the given time. Ranks
         * must be run by the simulation, since {@link LocalCluster#run} waits for them in real time.
         *
         * @param time of all waits
         * @param backoffs creates the backoff of each endpoint, which should let that time pass
         */
        static Network inProcess(Time time, Supplier<Backoff> backoffs) {
            return (ranks, peerTimeout) -> new InProcessNetwork(ranks, peerTimeout, time, backoffs)::session;
        }
    }

    /** Where the ranks of one run meet. */
    @FunctionalInterface
    public interface Rendezvous {
        /** Joins as {@code rank}; called once per rank, on the thread of that rank unless a thread holds several. */
        Session join(int rank) throws Exception;
    }

    /** A program for one rank. */
    @FunctionalInterface
    public interface RankProgram {
        void run(Session session) throws Exception;
    }

    /**
     * A program for one rank that returns a result.
     *
     * @param <T> type of the result
     */
    @FunctionalInterface
    public interface RankFunction<T> {
        T call(Session session) throws Exception;
    }

    /** The session of the rank whose program runs on this thread, if it is a rank's thread; borrowed. */
    public static Optional<Session> sessionOfThisThread() {
        return Optional.ofNullable(OF_THREAD.get());
    }

    /** Returns a copy with another timeout for silent peers. */
    public LocalCluster withPeerTimeout(Duration timeout) {
        return new LocalCluster(network, seating, timeout);
    }

    /**
     * Returns a copy with fewer threads than ranks: each holds several neighbouring ranks, as evenly divided as
     * possible, and its program gets a {@link SeatedSession} of them. Programs and results are then by thread.
     *
     * @param processes number of threads, 1 to the number of ranks
     */
    public LocalCluster processes(int processes) {
        return new LocalCluster(network, Groups.of(ranks, processes), peerTimeout);
    }

    /**
     * As {@link #processes}, with the given ranks for each thread.
     *
     * @param ofProcesses the ranks of each thread, ascending; threads in the order of their first ranks
     */
    public LocalCluster seats(List<List<Integer>> ofProcesses) {
        Groups given = new Groups(ofProcesses);
        if (given.ranks() != ranks) {
            throw new IllegalArgumentException("seats " + given + " for a cluster of " + ranks + " ranks");
        }
        return new LocalCluster(network, given, peerTimeout);
    }

    /** Runs the program on all ranks. */
    public void run(RankProgram program) throws InterruptedException {
        this.<Boolean>call(session -> {
            program.run(session);
            return true;
        });
    }

    /**
     * Runs the program on all ranks and returns their results, by rank.
     *
     * @throws GyreException caused by the failure of the rank that failed first
     * @throws InterruptedException if the calling thread was interrupted; the ranks are interrupted too, and have ended
     */
    public <T> List<T> call(RankFunction<T> program) throws InterruptedException {
        Rendezvous rendezvous = network.open(ranks, peerTimeout);
        FirstFailure first = new FirstFailure();
        List<FutureTask<T>> tasks = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        List<UserCode> programs = new ArrayList<>();
        for (List<Integer> own : seating.members()) {
            UserCode code = new UserCode();
            programs.add(code);
            FutureTask<T> task = new FutureTask<>(() -> runRanks(rendezvous, own, program, code, first));
            tasks.add(task);
            threads.add(new Thread(task, "gyre-rank-" + own.get(0)));
        }
        threads.forEach(Thread::start);
        joinAll(threads, programs, first);
        first.rethrow();
        List<T> results = new ArrayList<>();
        for (FutureTask<T> task : tasks) {
            try {
                results.add(task.get());
            } catch (ExecutionException e) {
                throw new IllegalStateException("a rank failed without being noticed", e);
            }
        }
        return results;
    }

    private <T> T runRanks(
            Rendezvous rendezvous, List<Integer> own, RankFunction<T> program, UserCode code, FirstFailure first)
            throws Exception {
        try (Session session = join(rendezvous, own, first)) {
            OF_THREAD.set(session);
            code.enter("the program", UserCode.NO_STEP);
            try {
                return program.call(session);
            } catch (Throwable failure) {
                code.leave();
                // Before the session closes, so that peers learn of the failure and not of a leave.
                first.offer(own, code.explain(failure, session::check));
                session.fail("it failed: " + failure);
                throw failure;
            } finally {
                code.leave();
                OF_THREAD.remove();
            }
        }
    }

    private Session join(Rendezvous rendezvous, List<Integer> own, FirstFailure first) throws Exception {
        int lead = own.get(0);
        try {
            return seating.count() == ranks
                    ? rendezvous.join(lead)
                    : SeatedSession.join(seating, lead, rendezvous::join);
        } catch (Throwable failure) {
            first.offer(own, failure);
            throw failure;
        }
    }

    private void joinAll(List<Thread> threads, List<UserCode> programs, FirstFailure first)
            throws InterruptedException {
        InterruptedException interrupted = null;
        boolean brokenOff = false;
        boolean named = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join(LOOK_MILLIS);
                } catch (InterruptedException e) {
                    interrupted = e;
                    threads.forEach(Thread::interrupt);
                }
                long sinceFailure = first.nanosSince();
                if (!brokenOff && sinceFailure > TO_NOTICE_NANOS) {
                    brokenOff = true;
                    programs.forEach(UserCode::breakOff);
                }
                if (!named && sinceFailure > TO_NOTICE_NANOS + TO_STOP_NANOS) {
                    named = true;
                    logWhoContinues(programs, first);
                }
            }
        }
        if (interrupted != null) {
            throw interrupted;
        }
    }

    private void logWhoContinues(List<UserCode> programs, FirstFailure first) {
        for (int i = 0; i < programs.size(); i++) {
            UserCode program = programs.get(i);
            if (program.isInside()) {
                LOG.error(
                        "rank {} has failed, and rank {} ignores the interrupt; waiting for it. It is in {}",
                        first.rank(),
                        seating.leads().get(i),
                        program.whereabouts());
            }
        }
    }

    /** Collects what is thrown: the first failure, with every other that differs. */
    private static final class FirstFailure {
        private @Nullable Throwable failure;
        /** Those of the thread that failed first. */
        private List<Integer> ranks = List.of();

        private long sinceNanos;

        /** Time since the first rank failed; 0 if none has. */
        synchronized long nanosSince() {
            return failure == null ? 0 : System.nanoTime() - sinceNanos;
        }

        synchronized int rank() {
            return ranks.get(0);
        }

        synchronized void offer(List<Integer> ofThread, Throwable failure) {
            if (this.failure == null) {
                this.failure = failure;
                ranks = ofThread;
                sinceNanos = System.nanoTime();
            } else if (!isConsequence(failure) && !isKnown(failure)) {
                this.failure.addSuppressed(failure);
            }
        }

        /** Whether another rank's failure is how it noticed the first. */
        private boolean isConsequence(Throwable other) {
            return other instanceof PeerLostException lost && ranks.contains(lost.rank());
        }

        /** Whether another rank failed with the same message: every rank finds most faults of a program or its data. */
        private boolean isKnown(Throwable other) {
            Throwable first = Objects.requireNonNull(failure);
            return first.toString().equals(other.toString())
                    || Arrays.stream(first.getSuppressed())
                            .anyMatch(known -> known.toString().equals(other.toString()));
        }

        synchronized void rethrow() {
            Throwable found = failure;
            if (found != null) {
                if (found instanceof Error error) {
                    throw error;
                }
                String message = found.getMessage();
                throw new GyreException("rank " + rank() + " failed: " + (message == null ? found : message), found);
            }
        }
    }
}
