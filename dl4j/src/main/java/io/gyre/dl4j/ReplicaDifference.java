package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds where replicas that should be equal differ, and which is wrong. All ranks know that there is a difference and
 * search together: they compare checksums of ever smaller blocks, down to one element.
 */
final class ReplicaDifference {

    /** Blocks compared per exchange: three exchanges find one element among 16 million. */
    private static final int BLOCKS = 256;

    private static final String REMEDY =
            " Resume from the last checkpoint, if there is one: all ranks agreed on it. Whatever changes parameters,"
                    + " learning rates or the updater must do so on all ranks alike: look for a listener that acts on"
                    + " some ranks only, or code that trained or changed the model on one rank alone (pretrain, an"
                    + " EarlyStoppingTrainer, fit on the model itself). If there is none, have the memory of that host"
                    + " tested.";

    private final Session session;
    private final long step;

    /**
     * Begins a search.
     *
     * @param session the ranks whose replicas must be equal
     * @param step number of steps so far
     */
    ReplicaDifference(Session session, long step) {
        this.session = session;
        this.step = step;
    }

    /**
     * The first element that is not the same everywhere.
     *
     * @param values by rank, as text
     */
    private record Place(ReplicaPart part, long element, List<String> values) {}

    /**
     * Finds the first difference and describes it.
     *
     * @param vote on the whole comparison
     * @param parts the vectors compared
     */
    GyreException describe(ReplicaVote vote, List<ReplicaPart> parts) {
        Place place = find(parts);
        // If several replicas are wrong, each in another place, every place has its own majority.
        ReplicaVote decided = vote.hasMajority() || place == null ? vote : ReplicaVote.of(place.values());
        return new GyreException("after step " + step + " " + fault(decided) + where(place) + "." + REMEDY);
    }

    private String fault(ReplicaVote vote) {
        List<Integer> first = vote.groups().get(0);
        if (vote.hasMajority()) {
            return named(vote.others()) + (vote.others().size() == 1 ? " differs" : " differ") + " from the other "
                    + first.size() + " ranks";
        }
        return session.world().size() == 2
                ? named(first) + " and " + named(vote.others())
                        + " differ, and one of the two is wrong: with two ranks it is not known which"
                : vote.groups().stream().map(group -> "[" + named(group) + "]").collect(Collectors.joining(" and "))
                        + " differ, and none of these groups is a majority";
    }

    private String named(List<Integer> ranks) {
        return ranks.stream()
                .map(rank -> session.members().get(rank).toString())
                .collect(Collectors.joining(", "));
    }

    private String where(@Nullable Place place) {
        if (place == null) {
            return "; where is not known: a second comparison found no difference";
        }
        ReplicaVote values = ReplicaVote.of(place.values());
        String shown = values.groups().stream()
                .map(group -> place.values().get(group.get(0))
                        + (group.size() == 1 ? " on rank " : " on ranks ")
                        + group.stream()
                                .map(rank -> String.valueOf(
                                        session.members().get(rank).rank()))
                                .collect(Collectors.joining(", ")))
                .collect(Collectors.joining("; "));
        return ", first in the " + place.part().name() + " at " + place.part().nameOf(place.element()) + ": " + shown;
    }

    private @Nullable Place find(List<ReplicaPart> parts) {
        for (ReplicaPart part : parts) {
            long from = 0;
            long length = part.elements();
            while (length > 0) {
                long block = (length + BLOCKS - 1) / BLOCKS;
                int first = firstDifference(exchange(part, from, length, checksums(part, from, length, block)));
                if (first < 0) {
                    break;
                }
                length = Math.min(block, length - first * block);
                from += first * block;
                if (block == 1) {
                    return new Place(part, from, values(part, from));
                }
            }
        }
        return null;
    }

    private List<String> values(ReplicaPart part, long element) {
        return RankTexts.exchange(session, what(part, element, 1), part.show(element), step);
    }

    private static byte[] checksums(ReplicaPart part, long from, long length, long block) {
        int blocks = Math.toIntExact((length + block - 1) / block);
        ByteBuffer sums = ByteBuffer.allocate(blocks * Integer.BYTES);
        for (long at = 0; at < length; at += block) {
            sums.putInt((int) Checksums.crc32c(List.of(part.slice(from + at, Math.min(block, length - at)))));
        }
        return sums.array();
    }

    private List<byte[]> exchange(ReplicaPart part, long from, long length, byte[] own) {
        List<byte[]> all = session.exchange(what(part, from, length), own);
        RankTexts.checkPresent(session, all, step);
        return all;
    }

    private String what(ReplicaPart part, long from, long length) {
        return "search for the difference after step " + step + ", " + part.name() + " from element " + from + ", "
                + length;
    }

    /** The first block whose checksums differ between ranks; -1 for none. */
    private static int firstDifference(List<byte[]> checksums) {
        List<ByteBuffer> all = new ArrayList<>();
        int blocks = checksums.get(0).length / Integer.BYTES;
        checksums.forEach(bytes -> all.add(ByteBuffer.wrap(bytes)));
        for (int block = 0; block < blocks; block++) {
            int at = block * Integer.BYTES;
            int ofFirst = all.get(0).getInt(at);
            if (all.stream().anyMatch(each -> each.getInt(at) != ofFirst)) {
                return block;
            }
        }
        return -1;
    }
}
