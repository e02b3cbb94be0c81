package io.gyre.startup;

import io.gyre.ProtocolException;
import io.gyre.World;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import io.gyre.startup.Rounds.Pair;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Measures what the ranks of a session have to live on: their cores, their memory, and the links between them.
 *
 * <p>All ranks meet, measure cores and memory at the same time, then links, and give each other what they found. It
 * takes at most a second once all are there: each link gets a share of {@link #LINKS_TIME}, and no more bytes than it
 * carries in it.
 *
 * <dl>
 *   <dt>Network
 *   <dd>Lane 0, which must be idle on all ranks; afterwards nothing is on the way. Where ranks share memory, no frames.
 *   <dt>Failure
 *   <dd>As for a collective. A rank that others may lose must not measure {@link Links links}.
 * </dl>
 */
public final class StartupCheck {

    /** For all links together, which takes longer only where a first block of 16 KB needs more than its share. */
    private static final Duration LINKS_TIME = Duration.ofMillis(600);

    /** More than this would measure nothing better. */
    private static final Duration MOST_PER_LINK = Duration.ofMillis(200);

    private StartupCheck() {}

    /** Which links are measured. */
    public enum Links {
        /** None. */
        NONE,
        /**
         * Those that a ring uses: between the first ranks of those that share memory, and in shared memory between the
         * first two.
         */
        NEIGHBOURS,
        /** Between the first ranks of all that share memory. */
        EVERY_PAIR
    }

    /**
     * Measures. All ranks call it together, with the same links.
     *
     * @param threads with which this rank computes; 0 if unknown, or if a GPU computes
     */
    public static StartupTable run(Session session, int threads, Links links) {
        World world = session.world();
        Endpoint endpoint = session.endpoint();
        int memoryOf = endpoint.boxes().ranks().get(0);
        List<Optional<String>> memories =
                exchange(session, "start-up check: who shares memory", String.valueOf(memoryOf));
        HostSpeed speed = HostSpeed.measure();
        List<Link> found = links == Links.NONE ? List.of() : links(session, sharing(memories), links);
        RankFacts own = new RankFacts(world.rank(), HostFacts.here(threads), memoryOf, speed);
        String text = new StartupTable(List.of(own), found).text();
        StringBuilder all = new StringBuilder();
        exchange(session, "start-up check: what was measured", text).forEach(ofRank -> ofRank.ifPresent(all::append));
        return StartupTable.parse(all.toString());
    }

    /** Texts by rank; empty for a rank that has ended. */
    private static List<Optional<String>> exchange(Session session, String topic, String own) {
        return session.exchange(topic, own.getBytes(StandardCharsets.UTF_8)).stream()
                .map(bytes -> bytes.length == 0
                        ? Optional.<String>empty()
                        : Optional.of(new String(bytes, StandardCharsets.UTF_8)))
                .toList();
    }

    /** The ranks that share memory, for each of the first among them. */
    private static SortedMap<Integer, List<Integer>> sharing(List<Optional<String>> memories) {
        SortedMap<Integer, List<Integer>> sharing = new TreeMap<>();
        for (int rank = 0; rank < memories.size(); rank++) {
            int first = memories.get(rank).map(StartupCheck::rank).orElse(rank);
            sharing.computeIfAbsent(first, key -> new ArrayList<>()).add(rank);
        }
        return sharing;
    }

    private static int rank(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new ProtocolException("in the start-up check a rank sent no number of a rank: " + e.getMessage());
        }
    }

    private static List<Link> links(Session session, SortedMap<Integer, List<Integer>> sharing, Links which) {
        int own = session.world().rank();
        List<Link> found = new ArrayList<>();
        MemoryProbe memory = new MemoryProbe(session.endpoint());
        for (List<Integer> ranks : sharing.values()) {
            if (ranks.size() > 1 && ranks.get(0) == own) {
                found.add(memory.measure(ranks.get(1), "shared memory"));
            } else if (ranks.size() > 1 && ranks.get(1) == own) {
                memory.answer(ranks.get(0));
            }
        }
        List<Integer> firsts = List.copyOf(sharing.keySet());
        List<List<Pair>> rounds = which == Links.NEIGHBOURS ? Rounds.ring(firsts) : Rounds.everyPair(firsts);
        LinkProbe probe = new LinkProbe(session.endpoint());
        long budget = Math.min(MOST_PER_LINK.toNanos(), LINKS_TIME.toNanos() / Math.max(1, rounds.size()));
        for (List<Pair> round : rounds) {
            for (Pair pair : round) {
                if (pair.first() == own) {
                    found.add(probe.measure(pair.second(), session.linkTo(pair.second()), budget));
                } else if (pair.second() == own) {
                    probe.answer(pair.first());
                }
            }
        }
        return found;
    }
}
