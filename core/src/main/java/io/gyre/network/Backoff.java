package io.gyre.network;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * How a thread waits for another core: spins while a response is likely to be near, then yields, then parks briefly, so
 * that ranks that outnumber the cores do not take them from each other.
 */
public final class Backoff {

    /** Default time that a wait sleeps between two polls. */
    public static final Duration DEFAULT_PAUSE = Duration.ofNanos(50_000);

    private static final int YIELDS = 200;

    /** Where a turn costs microseconds, others need the core more. */
    private static final int COSTLY_YIELDS = 20;

    /** More than a peer with a core of its own needs for most operations. */
    private static final long LONG_YIELD_NANOS = 1_000_000;

    private final int spins;
    private final int yields;
    private final long parkNanos;
    private final LongConsumer park;
    private final BooleanSupplier yield;
    private int turn;

    /**
     * Creates a policy.
     *
     * @param ranksOnHost ranks that share this host's cores: a wait spins only if there is a core for each
     */
    public Backoff(int ranksOnHost) {
        this(ranksOnHost, DEFAULT_PAUSE, false);
    }

    /**
     * Creates a policy with a given pause, for a loop that may be costly itself.
     *
     * @param pause how long a wait sleeps between two polls; if longer than the default, it sleeps at once, and uses
     *     hardly any processor time
     * @param costlyTurns whether the loop polls sockets in every turn, and so uses a core that others need
     */
    public Backoff(int ranksOnHost, Duration pause, boolean costlyTurns) {
        this(ranksOnHost, pause, costlyTurns, LockSupport::parkNanos);
    }

    /**
     * As above, with another way to sleep, for a simulation of time.
     *
     * @param park sleeps for at most the given nanoseconds
     */
    public Backoff(int ranksOnHost, Duration pause, boolean costlyTurns, LongConsumer park) {
        this(ranksOnHost, pause, costlyTurns, park, Backoff::yieldTakesLong);
    }

    /**
     * As above, with another way to yield, for tests.
     *
     * @param yield as {@link #yieldTakesLong}
     */
    Backoff(int ranksOnHost, Duration pause, boolean costlyTurns, LongConsumer park, BooleanSupplier yield) {
        this.park = park;
        this.yield = yield;
        parkNanos = pause.toNanos();
        if (pause.compareTo(DEFAULT_PAUSE) > 0) {
            spins = 0;
            yields = 0;
            return;
        }
        // Few even with a core for each: on a loaded host two ranks may share one, and then every spin is lost. With
        // 500, a small all-reduce took 35 us there instead of 4; a yield on an idle core costs less than a microsecond.
        boolean coreEach = ranksOnHost <= Runtime.getRuntime().availableProcessors();
        spins = coreEach ? 20 : 5;
        yields = costlyTurns && !coreEach ? COSTLY_YIELDS : YIELDS;
    }

    /** Waits a little, longer each time. */
    public void pause() {
        turn = turn == Integer.MAX_VALUE ? spins + yields + 1 : turn + 1;
        if (turn <= spins) {
            Thread.onSpinWait();
        } else if (turn <= spins + yields) {
            if (yield.getAsBoolean()) {
                turn = spins + yields;
            }
        } else {
            park.accept(parkNanos);
        }
    }

    /**
     * Yields the core once. Returns whether that took so long that a wait should sleep from now on. A scheduler runs a
     * thread that yields after all others, however many they are, but one that has slept soon: on a host with ten busy
     * processes for each core, some hundred yields took longer than the launcher waits for a rank's last words.
     */
    @SuppressWarnings("ThreadPriorityCheck") // Yielding is intended: the peer may need this core.
    public static boolean yieldTakesLong() {
        return takesLong(Thread::yield, System::nanoTime);
    }

    /** Whether a way to yield takes long, by a clock of nanoseconds. */
    static boolean takesLong(Runnable yield, LongSupplier clock) {
        long begin = clock.getAsLong();
        yield.run();
        return clock.getAsLong() - begin > LONG_YIELD_NANOS;
    }

    /** Whether the wait has lasted so long that slower checks cost nothing. */
    public boolean isLong() {
        return turn > spins && turn % 16 == 0;
    }

    /** Starts again with spinning. */
    public void reset() {
        turn = 0;
    }
}
