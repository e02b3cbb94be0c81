package io.gyre.startup;

import io.gyre.ProtocolException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a start-up check has measured, equal on all ranks.
 *
 * @param ranks ascending; a rank that ended meanwhile is missing
 * @param links that were measured
 */
public record StartupTable(List<RankFacts> ranks, List<Link> links) {

    private static final String RANK = "rank\t";
    private static final int MOST_SHOWN = 4;
    private static final String LINK = "link\t";

    public StartupTable {
        ranks = List.copyOf(ranks);
        links = List.copyOf(links);
    }

    /** One line for each rank and each link. */
    public String text() {
        StringBuilder text = new StringBuilder();
        ranks.forEach(rank -> text.append(RANK).append(FactLines.rank(rank)).append('\n'));
        links.forEach(link -> text.append(LINK).append(FactLines.link(link)).append('\n'));
        return text.toString();
    }

    /**
     * Reads {@link #text}.
     *
     * @throws ProtocolException if it is something else
     */
    public static StartupTable parse(String text) {
        List<RankFacts> ranks = new ArrayList<>();
        List<Link> links = new ArrayList<>();
        text.lines().forEach(line -> {
            if (line.startsWith(RANK)) {
                ranks.add(FactLines.parseRank(line.substring(RANK.length())));
            } else if (line.startsWith(LINK)) {
                links.add(FactLines.parseLink(line.substring(LINK.length())));
            } else {
                throw new ProtocolException("a line of a start-up check begins with neither rank nor link");
            }
        });
        return new StartupTable(ranks, links);
    }

    /**
     * How far a rank's clocks are ahead of those of the first rank, with the bound of the error. On the way between
     * them are measured links, of which each adds its error.
     *
     * @return empty if no measured links lead there
     */
    public Optional<ClockDifference> clockOf(int rank) {
        if (ranks.isEmpty()) {
            return Optional.empty();
        }
        List<Integer> reached = new ArrayList<>(List.of(ranks.get(0).memoryOf()));
        List<ClockDifference> clocks = new ArrayList<>(List.of(ClockDifference.NONE));
        int wanted = memoryOf(rank);
        for (int at = 0; at < reached.size(); at++) {
            if (reached.get(at) == wanted) {
                return Optional.of(clocks.get(at));
            }
            for (Link link : links) {
                int from = memoryOf(link.from());
                int to = memoryOf(link.to());
                boolean forth = from == reached.get(at);
                int next = forth ? to : from;
                if ((forth || to == reached.get(at)) && !reached.contains(next)) {
                    reached.add(next);
                    clocks.add(clocks.get(at)
                            .plus(forth ? link.clock() : link.clock().reversed()));
                }
            }
        }
        return Optional.empty();
    }

    /** Ranks of one memory are under one kernel, and have one clock. */
    private int memoryOf(int rank) {
        return ranks.stream()
                .filter(facts -> facts.rank() == rank)
                .mapToInt(RankFacts::memoryOf)
                .findFirst()
                .orElse(rank);
    }

    /**
     * Ranks that compete for the same cores as this one, itself included. Where a rank may use only a part of the time
     * of its cores, that is known only of those with which it shares memory.
     */
    List<RankFacts> onCoresOf(RankFacts rank) {
        return ranks.stream().filter(other -> cores(other).equals(cores(rank))).toList();
    }

    private static String cores(RankFacts rank) {
        return rank.host().cpus().isEmpty()
                ? String.valueOf(rank.memoryOf())
                : rank.host().machine() + " " + rank.host().cpus();
    }

    /** Sets of ranks that share memory; a rank that shares none is one of its own. */
    int memories() {
        return (int) ranks.stream().mapToInt(RankFacts::memoryOf).distinct().count();
    }

    /** The whole in a few words. */
    public String summary() {
        List<String> parts = new ArrayList<>();
        for (RankFacts first : ranks) {
            List<RankFacts> there = onCoresOf(first);
            if (there.get(0).rank() == first.rank()) {
                HostFacts host = first.host();
                parts.add(Figures.count(there.size(), "rank") + " on " + host.host() + " with "
                        + Figures.count(host.cores(), "core")
                        + (host.threads() > 0 ? ", " + Figures.count(host.threads(), "thread") + " each" : "")
                        + ", memory at " + Figures.rate(first.speed().copiedBytesPerSecond()));
            }
        }
        String hosts = parts.size() > MOST_SHOWN
                ? String.join("; ", parts.subList(0, MOST_SHOWN)) + "; and " + (parts.size() - MOST_SHOWN) + " more"
                : String.join("; ", parts);
        String which = links.size() > 1 ? "; the slowest of " + links.size() + " links: " : "; ";
        return hosts
                + slowestLink()
                        .or(() -> links.stream().findFirst())
                        .map(link -> which + link)
                        .orElse("");
    }

    /** Which versions of Java the ranks have, with the first rank of each; empty if all have the same. */
    public String differentJava() {
        Map<String, String> ofFirst = new TreeMap<>();
        for (RankFacts rank : ranks) {
            ofFirst.putIfAbsent(
                    rank.host().java(),
                    "rank " + rank.rank() + " on " + rank.host().host());
        }
        if (ofFirst.size() < 2) {
            return "";
        }
        List<String> parts = new ArrayList<>();
        ofFirst.forEach((java, who) -> parts.add(who + " runs Java " + java));
        return String.join(", ", parts);
    }

    /** The slowest link over which messages go. */
    Optional<Link> slowestLink() {
        return links.stream()
                .filter(link -> !link.isMemory())
                .min((one, other) -> Double.compare(one.bytesPerSecond(), other.bytesPerSecond()));
    }
}
