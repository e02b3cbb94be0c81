package io.gyre.startup;

import io.gyre.startup.Verdict.Limit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What can be told before the first step: what a run has too much or too little of, whatever it trains. How long a step
 * computes is not known yet; {@link StepVerdict} knows.
 */
public final class StartupVerdict {

    /** A host is named if it is this much slower than the median. */
    private static final double SLOW = 0.75;

    /** Shared memory is little if less than this many vectors of all ranks fit. */
    private static final int VECTORS = 2;

    private StartupVerdict() {}

    /**
     * Judges.
     *
     * @param vectorBytes length of the vector that ranks hold in shared memory; 0 if unknown
     * @param sentBytes length of the same vector as it is added up over all ranks: shorter if it is encoded between
     *     hosts; 0 if it is not added up over all ranks in each step
     */
    public static Verdict of(StartupTable table, long vectorBytes, long sentBytes) {
        long exchanged = table.memories() == 1 ? Math.min(1, sentBytes) * vectorBytes : sentBytes;
        return tooMany(table)
                .or(() -> littleMemory(table, vectorBytes))
                .or(() -> slowHost(table))
                .orElseGet(() -> nothing(table, exchanged));
    }

    private static Optional<Verdict> tooMany(StartupTable table) {
        for (RankFacts first : table.ranks()) {
            int ranks = table.onCoresOf(first).size();
            int threads = table.onCoresOf(first).stream()
                    .mapToInt(rank -> rank.host().threads())
                    .sum();
            int cores = first.host().cores();
            String where = Figures.count(ranks, "rank") + " on " + first.host().host();
            if (ranks > cores) {
                return Optional.of(new Verdict(
                        Limit.RANKS,
                        where + " share " + Figures.count(cores, "core") + " and wait for each other: use at most "
                                + Figures.count(cores, "rank") + " there"));
            }
            if (threads > cores) {
                return Optional.of(new Verdict(
                        Limit.THREADS,
                        where + " compute with " + threads + " threads on " + Figures.count(cores, "core")
                                + ", so threads wait for cores: set OMP_NUM_THREADS=" + cores / ranks));
            }
        }
        return Optional.empty();
    }

    private static Optional<Verdict> littleMemory(StartupTable table, long vectorBytes) {
        for (RankFacts first : table.ranks()) {
            long ranks = table.ranks().stream()
                    .filter(other -> other.memoryOf() == first.memoryOf())
                    .count();
            long needed = VECTORS * ranks * vectorBytes;
            long free = first.host().sharedBytes();
            if (ranks > 1 && free >= 0 && free < needed) {
                return Optional.of(new Verdict(
                        Limit.SHARED_MEMORY,
                        "/dev/shm of " + first.host().host() + " has " + Figures.memory(free) + " free, and " + ranks
                                + " ranks need about " + Figures.memory(needed)
                                + ": make room there (docker: --shm-size; else: mount -o remount,size=...), or run"
                                + " fewer ranks on this host"));
            }
        }
        return Optional.empty();
    }

    private static Optional<Verdict> slowHost(StartupTable table) {
        Map<String, RankFacts> slowestOfHost = new TreeMap<>();
        for (RankFacts rank : table.ranks()) {
            slowestOfHost.merge(rank.host().machine(), rank, (one, other) -> speed(one) <= speed(other) ? one : other);
        }
        if (slowestOfHost.size() < 2) {
            return Optional.empty();
        }
        RankFacts slowest = slowestOfHost.values().stream()
                .min(Comparator.comparingDouble(StartupVerdict::speed))
                .orElseThrow();
        List<Double> others = new ArrayList<>();
        slowestOfHost.values().stream()
                .filter(rank -> rank.rank() != slowest.rank())
                .map(StartupVerdict::speed)
                .sorted()
                .forEach(others::add);
        double usual = others.get(others.size() / 2);
        double share = speed(slowest) / usual;
        if (share >= SLOW) {
            return Optional.empty();
        }
        RankFacts host = slowest;
        return Optional.of(new Verdict(
                Limit.HOST,
                "the cores of " + host.host().host() + " (rank " + host.rank() + ") are "
                        + Figures.percent(share) + " as fast as those of the other hosts"
                        + (host.host().load() > host.host().cores()
                                ? ", where " + Figures.count((int) host.host().load(), "process") + " wanted a core"
                                : "")
                        + ": ranks in lockstep wait for it; leave it out, or use a strategy for stragglers"));
    }

    private static double speed(RankFacts rank) {
        return rank.speed().mixesPerSecond();
    }

    private static Verdict nothing(StartupTable table, long bytes) {
        Optional<Floor> floor = Floor.of(table, bytes);
        return new Verdict(
                Limit.NOTHING,
                floor.map(least -> "an exchange of " + Figures.bytes(bytes) + " takes at least about " + least)
                        .orElse("nothing stands out"));
    }
}
