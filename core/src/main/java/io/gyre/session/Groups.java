package io.gyre.session;

import io.gyre.Chunk;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * How ranks are divided: into groups that take each step together, or among processes that hold several. The first rank
 * of a group is its lead, which exchanges with other groups for all of its ranks.
 *
 * @param members the ranks of each group, ascending; groups in the order of their leads; every rank from 0 up is in one
 *     of them
 */
public record Groups(List<List<Integer>> members) {

    public Groups {
        members = members.stream().map(List::copyOf).toList();
        List<Integer> all = members.stream().flatMap(List::stream).sorted().toList();
        boolean ordered = !members.isEmpty()
                && members.stream().allMatch(Groups::isAscending)
                && isAscending(members.stream().map(group -> group.get(0)).toList());
        if (!ordered || !all.equals(IntStream.range(0, all.size()).boxed().toList())) {
            throw new IllegalArgumentException("groups " + members
                    + ": each rank from 0 up must be in one of them, ascending, and no group be empty");
        }
    }

    private static boolean isAscending(List<Integer> ranks) {
        return !ranks.isEmpty() && IntStream.range(1, ranks.size()).allMatch(i -> ranks.get(i - 1) < ranks.get(i));
    }

    /** Groups of neighbours whose sizes differ by at most one. */
    public static Groups of(int ranks, int groups) {
        if (groups < 1 || groups > ranks) {
            throw new IllegalArgumentException(
                    groups + " groups of " + ranks + " ranks: 1 to " + ranks + " can be made");
        }
        return new Groups(IntStream.range(0, groups)
                .mapToObj(group -> IntStream.range(
                                (int) Chunk.offset(group, groups, ranks), (int) Chunk.offset(group + 1, groups, ranks))
                        .boxed()
                        .toList())
                .toList());
    }

    /** One group per rank. */
    public static Groups ofOneRank(int ranks) {
        return of(ranks, ranks);
    }

    /**
     * One group per set of ranks that share memory: those of a host, if the transport shares memory at all. All ranks
     * of the session call it together.
     *
     * @param ranks number of ranks to divide, from 0; the others, if any, only take part in the call
     */
    public static Groups byHost(Session session, int ranks) {
        int first = session.endpoint().boxes().ranks().stream()
                .mapToInt(Integer::intValue)
                .min()
                .orElseThrow();
        Map<Integer, List<Integer>> byFirst = new TreeMap<>();
        List<byte[]> firsts = session.exchange(
                "groups by host",
                ByteBuffer.allocate(Integer.BYTES).putInt(first).array());
        for (int rank = 0; rank < ranks; rank++) {
            byFirst.computeIfAbsent(ByteBuffer.wrap(firsts.get(rank)).getInt(), key -> new ArrayList<>())
                    .add(rank);
        }
        return new Groups(List.copyOf(byFirst.values()));
    }

    /** Number of groups. */
    public int count() {
        return members.size();
    }

    /** Number of ranks in all groups. */
    public int ranks() {
        return members.stream().mapToInt(List::size).sum();
    }

    /** The group of a rank. */
    public List<Integer> of(int rank) {
        return members.stream()
                .filter(group -> group.contains(rank))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("rank " + rank + " is in none of the groups " + members));
    }

    /** The index of a rank's group. */
    public int indexOf(int rank) {
        return members.indexOf(of(rank));
    }

    /** Whether a rank exchanges with other groups for its own. */
    public boolean isLead(int rank) {
        return of(rank).get(0) == rank;
    }

    /** The first rank of each group. */
    public List<Integer> leads() {
        return members.stream().map(group -> group.get(0)).toList();
    }

    /** Description: {@code [0, 1] [2, 3]}. */
    @Override
    public String toString() {
        return String.join(" ", members.stream().map(List::toString).toList());
    }
}
