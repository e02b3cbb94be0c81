package io.gyre.testkit;

import io.gyre.World;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;

/** Runs a program on ranks of which each has the collective under test. */
abstract class CollectiveRanks {

    /** Longer than what links hold. */
    static final long LONG = 300_007;

    /** Ranks as threads of this JVM over the network under test. */
    protected abstract LocalCluster cluster(int ranks);

    /** The collective under test, for one rank. */
    protected abstract Collective collective(Endpoint endpoint);

    /** A short peer timeout that a live peer of the network under test never exceeds in these tests. */
    protected Duration shortTimeout() {
        return Duration.ofMillis(500);
    }

    /** World sizes to test. */
    protected IntStream worlds() {
        return IntStream.of(1, 2, 3, 4, 5, 6, 7, 8, 16);
    }

    @FunctionalInterface
    interface Program {
        void run(Collective collective, World world) throws Exception;
    }

    @FunctionalInterface
    interface Function<T> {
        T call(Collective collective, World world) throws Exception;
    }

    final void runOn(int ranks, Program program) throws InterruptedException {
        callOn(ranks, (collective, world) -> {
            program.run(collective, world);
            return true;
        });
    }

    final <T> List<T> callOn(int ranks, Function<T> program) throws InterruptedException {
        return cluster(ranks).call(session -> {
            try (Collective collective = collective(session.endpoint())) {
                // No rank may fail while others still wait for its part of the collective.
                session.exchange("collectives are there", new byte[0]);
                return program.call(collective, session.world());
            }
        });
    }
}
