package io.gyre.startup;

import java.util.Arrays;
import java.util.List;

/** Tables for tests: hosts with 8 cores of equal speed, except as said. */
final class Facts {

    private static final long GIB = 1L << 30;
    private static final HostSpeed SPEED = new HostSpeed(1e9, 10e9);

    private Facts() {}

    static HostFacts host(String name, int cores, int threads, long sharedBytes) {
        return new HostFacts(
                name,
                "kernel of " + name,
                "0.1.0",
                "17.0.15",
                cores,
                "0-" + (cores - 1),
                threads,
                64 * GIB,
                32 * GIB,
                sharedBytes,
                0.5);
    }

    static HostFacts host(String name) {
        return host(name, 8, 1, 8 * GIB);
    }

    static RankFacts rank(int rank, HostFacts host, int memoryOf) {
        return new RankFacts(rank, host, memoryOf, SPEED);
    }

    static RankFacts rank(int rank, HostFacts host, int memoryOf, double speed) {
        return new RankFacts(rank, host, memoryOf, new HostSpeed(1e9 * speed, 10e9));
    }

    /** Ranks on one host that share its memory. */
    static StartupTable together(int ranks, HostFacts host) {
        RankFacts[] all = new RankFacts[ranks];
        Arrays.setAll(all, rank -> rank(rank, host, 0));
        Link memory = new Link(0, 1, "shared memory", 100, 0, ClockDifference.NONE);
        return new StartupTable(List.of(all), ranks > 1 ? List.of(memory) : List.of());
    }

    /** A rank on each of two hosts. */
    static StartupTable apart(double bytesPerSecond) {
        return new StartupTable(
                List.of(rank(0, host("ant"), 0), rank(1, host("bee"), 1)), List.of(link(0, 1, bytesPerSecond)));
    }

    static Link link(int from, int to, double bytesPerSecond) {
        return new Link(from, to, "sealed UDP", 50_000, bytesPerSecond, new ClockDifference(7_000, 3_000, 60));
    }

    /** Of a step of 100 ms. */
    static StepCosts costs(int rank, int dataMs, int waitMs, long networkBytes) {
        return new StepCosts(rank, 100_000_000, dataMs * 1_000_000L, waitMs * 1_000_000L, 8_000_000, networkBytes);
    }
}
