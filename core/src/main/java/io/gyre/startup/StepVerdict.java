package io.gyre.startup;

import io.gyre.startup.Verdict.Limit;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What limits a run, once some steps have shown how long a step computes: what takes the most of a step that another
 * choice could save.
 */
public final class StepVerdict {

    /** What takes less of a step than this is not worth a change. */
    private static final double WORTH = 0.2;

    /** A rank is named if its own part takes this much longer than the median of the others. */
    private static final double SLOW = 1.25;

    /** Less of a step is not worth a word, and more is no step. */
    private static final double LEAST = 0.01;

    private static final double MOST = 0.99;

    private StepVerdict() {}

    /**
     * Judges.
     *
     * @param table of the start-up check
     * @param costs of the ranks that take their steps together, at least one
     */
    public static Verdict of(StartupTable table, List<StepCosts> costs) {
        StepCosts slowest = costs.stream()
                .max(Comparator.comparingLong(StepCosts::ownNanos))
                .orElseThrow();
        long step = Math.max(1, costs.get(0).stepNanos());
        // Others wait for the slowest rank: only what it waits itself is the price of the exchange.
        double exchange = Math.max(0, step - slowest.ownNanos()) / (double) step;
        return slowRank(table, costs, slowest)
                .or(() -> exchange < WORTH ? Optional.empty() : Optional.of(exchange(table, costs, step, exchange)))
                .or(() -> data(slowest, step))
                .orElseGet(() -> new Verdict(
                        Limit.COMPUTING,
                        "computing limits this run: of a step of " + Figures.time(step) + ", the exchange takes "
                                + Figures.percent(exchange) + " and waiting for data "
                                + Figures.percent(slowest.dataNanos() / (double) step)
                                + oneRank(table, exchange)));
    }

    private static Optional<Verdict> slowRank(StartupTable table, List<StepCosts> costs, StepCosts slowest) {
        if (costs.size() < 2) {
            return Optional.empty();
        }
        long[] others = costs.stream()
                .filter(rank -> rank.rank() != slowest.rank())
                .mapToLong(StepCosts::ownNanos)
                .sorted()
                .toArray();
        long usual = Math.max(1, others[others.length / 2]);
        if (slowest.ownNanos() < SLOW * usual) {
            return Optional.empty();
        }
        boolean byData = slowest.dataNanos() > slowest.ownNanos() - usual;
        return Optional.of(new Verdict(
                Limit.RANK,
                name(table, slowest.rank()) + " limits this run: its own part of a step takes "
                        + Figures.time(slowest.ownNanos()) + ", that of the others " + Figures.time(usual)
                        + ", and they wait for it"
                        + (byData
                                ? "; it waits for its data for " + Figures.time(slowest.dataNanos())
                                : "; give it less, look for what else runs there, or use a strategy for stragglers")));
    }

    private static Verdict exchange(StartupTable table, List<StepCosts> costs, long step, double share) {
        StepCosts most = costs.stream()
                .max(Comparator.comparingLong(StepCosts::networkBytes))
                .orElseThrow();
        String takes = "the exchange takes " + Figures.percent(share) + " of a step of " + Figures.time(step) + " for "
                + Figures.bytes(most.bytes()) + " from each rank";
        if (most.networkBytes() > 0) {
            String floor = table.slowestLink()
                    .map(link -> "; at least " + Floor.over(link, most.networkBytes()))
                    .orElse("");
            return new Verdict(
                    Limit.NETWORK,
                    "the network limits this run: " + takes + floor
                            + "; larger batches, overlap, or bf16 between hosts exchange less for each example"
                            + oneRank(table, share));
        }
        return new Verdict(
                Limit.MEMORY,
                "the exchange between the ranks of a host limits this run: " + takes
                        + "; larger batches exchange less for each example" + oneRank(table, share));
    }

    /** What is known of one rank instead of all, where they are on one host: it exchanges nothing. */
    private static String oneRank(StartupTable table, double share) {
        int ofAll =
                table.ranks().stream().mapToInt(rank -> rank.host().threads()).sum();
        int cores = table.ranks().stream()
                .mapToInt(rank -> rank.host().cores())
                .max()
                .orElse(0);
        // More threads than cores are no faster.
        int threads = Math.min(ofAll, cores);
        boolean together = !table.ranks().isEmpty()
                && table.onCoresOf(table.ranks().get(0)).size() == table.ranks().size();
        if (!together || table.ranks().size() < 2 || ofAll < table.ranks().size() || share < LEAST) {
            return "";
        }
        return "; one rank with " + threads + (threads == 1 ? " thread" : " threads") + " would save that: about "
                + Figures.percent(1 / (1 - Math.min(share, MOST)) - 1)
                + " faster, if its threads compute as fast as the ranks";
    }

    private static Optional<Verdict> data(StepCosts slowest, long step) {
        double share = slowest.dataNanos() / (double) step;
        return share < WORTH
                ? Optional.empty()
                : Optional.of(new Verdict(
                        Limit.DATA,
                        "reading data limits this run: ranks wait for it for " + Figures.percent(share)
                                + " of a step of " + Figures.time(step)
                                + "; prepare the data once, or read them from faster storage"));
    }

    private static String name(StartupTable table, int rank) {
        return table.ranks().stream()
                .filter(facts -> facts.rank() == rank)
                .map(RankFacts::toString)
                .findFirst()
                .orElse("rank " + rank);
    }
}
