package io.gyre.launcher;

import io.gyre.Member;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The processes of a run, which end together.
 *
 * <p>When one fails, the others have {@link #TO_NOTICE a moment} to notice. Those that the coordinator tells of it have
 * {@link #TO_SPEAK longer} to report it and end by themselves, in case the host is busy. Then they are told to end, and
 * after {@link #TO_END another moment} they are killed. An expendable rank may be restarted instead. One thread adds
 * and waits; any thread may call {@link #stop}, {@link #kill} and {@link #destroy}.
 */
final class RankGroup {

    private static final Duration TO_NOTICE = Duration.ofMillis(500);
    private static final Duration TO_SPEAK = Duration.ofSeconds(10);
    private static final Duration TO_LOOK = Duration.ofMillis(20);

    /** Grace for programs that have nothing to finish, and after a failure. */
    static final Duration TO_END = Duration.ofMillis(800);

    private static final Duration TO_DIE = Duration.ofSeconds(2);
    private static final Duration TO_BE_READ = Duration.ofSeconds(5);

    private enum Phase {
        RUNNING,
        FAILED,
        TOLD_TO_END,
        KILLED,
        DESTROYED
    }

    private final BlockingQueue<Runnable> events = new LinkedBlockingQueue<>();
    private final List<RankProcess> ranks = new ArrayList<>();

    /** Processes that a new process has replaced. */
    private final List<RankProcess> replaced = new ArrayList<>();

    private final Successors successors;
    private int restarts;
    private final List<RankEnd> ends = new ArrayList<>();
    private final Set<Integer> spared = ConcurrentHashMap.newKeySet();
    private final List<RankEnd> endsWhenStopped = new ArrayList<>();
    private final Set<Integer> everJoined = ConcurrentHashMap.newKeySet();
    private final Set<Integer> members = ConcurrentHashMap.newKeySet();
    private boolean isLossTold;
    private long speakDeadlineNanos;
    private int running;
    private boolean failed;
    private volatile boolean over;
    private volatile int endsWithKillsBelow;
    private volatile int restartsFrom;
    private volatile Phase phase = Phase.RUNNING;
    private long deadlineNanos;

    /** Restarts ranks. */
    @FunctionalInterface
    interface Successors {

        /** Restarts no rank. */
        Successors NONE = (lost, times) -> null;

        /**
         * Restarts a rank, if wanted.
         *
         * @param times how often the rank was restarted before
         * @return null if it is not wanted, or not possible
         */
        @Nullable RankProcess of(RankProcess lost, int times);
    }

    /**
     * Creates a group without processes.
     *
     * @param successors restarts expendable ranks that end
     */
    RankGroup(Successors successors) {
        this.successors = successors;
    }

    synchronized void add(RankProcess rank) {
        ranks.add(rank);
        watch(rank);
    }

    private void watch(RankProcess rank) {
        running++;
        rank.onExit(() -> events.add(() -> ended(rank)));
    }

    /** Number of restarts. */
    int restarts() {
        return restarts;
    }

    synchronized RankProcess rank(int number) {
        return ranks.get(number);
    }

    /** The number of the process with this id; empty if there is none. Thread-safe. */
    synchronized OptionalInt withPid(long pid) {
        return Stream.concat(ranks.stream(), replaced.stream())
                .filter(process -> process.pid() == pid)
                .mapToInt(process -> process.place().rank())
                .findFirst();
    }

    /** The process that the coordinator has lost: perhaps one that another has replaced. */
    synchronized RankProcess process(Member lost) {
        return replaced.stream()
                .filter(process -> process.place().rank() == lost.rank() && process.pid() == lost.pid())
                .findFirst()
                .orElseGet(() -> ranks.get(lost.rank()));
    }

    /** Exit status of a process that ended without being told to; empty for others. */
    OptionalInt exitStatus(RankProcess process) {
        return replaced.contains(process)
                ? OptionalInt.of(process.exitStatus())
                : exitStatus(process.place().rank());
    }

    /** Exit status of a rank that ended without being told to; empty for others. */
    OptionalInt exitStatus(int rank) {
        return ends.stream()
                .filter(end -> end.rank() == rank)
                .mapToInt(RankEnd::status)
                .findFirst();
    }

    /** Ranks that ended without being told to, in the order in which that was noticed. */
    List<RankEnd> ends() {
        return ends;
    }

    /** Whether a rank that was needed failed without being told to end. */
    boolean failed() {
        return failed;
    }

    /** Marks a rank as expendable: the others continue if it fails, as long as one such rank remains. Thread-safe. */
    void spare(int rank) {
        spared.add(rank);
    }

    /**
     * Records that a rank has joined: the coordinator tells it when another is lost, and it reports that and ends.
     * Thread-safe.
     */
    void joined(int rank) {
        everJoined.add(rank);
        members.add(rank);
    }

    /** Records that nothing more is expected from a rank. Thread-safe. */
    void dismiss(int rank) {
        members.remove(rank);
    }

    private boolean isAnybodyAboutToSpeak() {
        return isLossTold
                && System.nanoTime() - speakDeadlineNanos < 0
                && ranks.stream()
                        .anyMatch(rank ->
                                rank.isAlive() && members.contains(rank.place().rank()));
    }

    /** Records that the run has ended for all ranks: none is spared or restarted any more. Thread-safe. */
    void over() {
        over = true;
    }

    /**
     * Ends all as soon as one of the ranks below this number is killed, or its host is lost, though the others could
     * continue: the run then goes back to a checkpoint. Before the first rank is added.
     */
    void endWithKillsBelow(int rank) {
        endsWithKillsBelow = rank;
    }

    /** Restarts only ranks from this number on. Before the first rank is added. */
    void restartFrom(int rank) {
        restartsFrom = rank;
    }

    boolean endsWithKillOf(int rank) {
        return rank < endsWithKillsBelow;
    }

    private boolean isNeeded(RankProcess process) {
        int rank = process.place().rank();
        int status = process.exitStatus();
        boolean killed = ExitStatus.isSignal(status) && status != ExitStatus.TERMINATED;
        return over
                || !spared.contains(rank)
                || (killed && endsWithKillOf(rank))
                || spared.stream().noneMatch(other -> exitStatus(other).orElse(0) == 0);
    }

    /** Whether ranks were told to end. Thread-safe. */
    boolean wasStopped() {
        return phase.compareTo(Phase.TOLD_TO_END) >= 0;
    }

    /**
     * Tells all to end, now.
     *
     * @param grace after this time they are killed
     */
    void stop(Duration grace) {
        events.add(() -> tellToEnd(failed ? TO_END : grace));
    }

    /** Kills all, now. */
    void kill() {
        events.add(() -> {
            if (phase.compareTo(Phase.KILLED) < 0) {
                killAll();
            }
        });
    }

    /** Ranks that were told to end, but ended with a status that has another cause. */
    List<RankEnd> endsWhenStopped() {
        return endsWhenStopped;
    }

    /** Ends all ranks that still run, immediately and unconditionally. */
    synchronized void destroy() {
        ranks.forEach(RankProcess::destroy);
    }

    private synchronized List<RankProcess> all() {
        return Stream.concat(replaced.stream(), ranks.stream()).toList();
    }

    /**
     * Waits until all have ended and all their output has been forwarded.
     *
     * @throws InterruptedException if this thread was interrupted; all have been told to end, and have ended
     */
    void await() throws InterruptedException {
        InterruptedException interrupted = null;
        while (running > 0 && phase != Phase.DESTROYED) {
            try {
                next().run();
            } catch (InterruptedException e) {
                interrupted = e;
                tellToEnd(TO_END);
            }
        }
        if (interrupted != null) {
            throw interrupted;
        }
        long end = System.nanoTime() + TO_BE_READ.toNanos();
        for (RankProcess rank : all()) {
            rank.awaitOutput(end);
        }
    }

    private Runnable next() throws InterruptedException {
        if (phase == Phase.RUNNING) {
            return events.take();
        }
        Runnable event = events.poll(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
        return event != null ? event : this::escalate;
    }

    private void ended(RankProcess rank) {
        running--;
        if (wasStopped()) {
            if (rank.exitStatus() != 0 && rank.exitStatus() != ExitStatus.TERMINATED) {
                endsWhenStopped.add(new RankEnd(rank.place().rank(), rank.exitStatus()));
            }
            return;
        }
        if (isSucceeded(rank)) {
            return;
        }
        ends.add(new RankEnd(rank.place().rank(), rank.exitStatus()));
        if (rank.exitStatus() != 0 && !failed && isNeeded(rank)) {
            failed = true;
            // The coordinator notices the loss of a rank that had joined, and tells the others. It does not know of one
            // that had not.
            isLossTold = everJoined.contains(rank.place().rank());
            speakDeadlineNanos = System.nanoTime() + TO_SPEAK.toNanos();
            enter(Phase.FAILED, TO_NOTICE);
        }
    }

    /**
     * Restarts a failed rank if the run continues without it. Once an expendable rank has completed its work, the run
     * is ending.
     */
    private boolean isSucceeded(RankProcess lost) {
        int rank = lost.place().rank();
        boolean wanted = lost.exitStatus() != 0
                && phase == Phase.RUNNING
                && !over
                && spared.contains(rank)
                && rank >= restartsFrom
                && ends.stream().noneMatch(end -> end.status() == 0);
        if (!wanted) {
            return false;
        }
        int times = (int)
                replaced.stream().filter(other -> other.place().rank() == rank).count();
        RankProcess successor = successors.of(lost, times);
        if (successor == null) {
            return false;
        }
        synchronized (this) {
            replaced.add(lost);
            ranks.set(ranks.indexOf(lost), successor);
        }
        restarts++;
        watch(successor);
        return true;
    }

    private void escalate() {
        switch (phase) {
            case FAILED -> {
                if (isAnybodyAboutToSpeak()) {
                    enter(Phase.FAILED, TO_LOOK);
                } else {
                    tellToEnd(TO_END);
                }
            }
            case RUNNING -> tellToEnd(TO_END);
            case TOLD_TO_END -> killAll();
            case KILLED, DESTROYED -> {
                enter(Phase.DESTROYED, Duration.ZERO);
                destroy();
            }
        }
    }

    private void tellToEnd(Duration grace) {
        if (!wasStopped()) {
            enter(Phase.TOLD_TO_END, grace);
            tell("TERM");
        }
    }

    private void killAll() {
        enter(Phase.KILLED, TO_DIE);
        tell("KILL");
    }

    private void tell(String signal) {
        ranks.stream().filter(RankProcess::isAlive).forEach(rank -> rank.tell(signal));
    }

    private void enter(Phase next, Duration atMost) {
        phase = next;
        deadlineNanos = System.nanoTime() + atMost.toNanos();
    }
}
