package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Which replicas a checkpoint of local steps has, as its part {@link #PART}.
 *
 * @param settings see {@link io.gyre.training.LocalState#settings}
 * @param ranks by rank
 */
record LocalRanks(String settings, List<OfRank> ranks) {

    static final String PART = "local steps";

    private static final Pattern RANK = Pattern.compile("([0-9]{1,9}) ([0-9a-f]{8}) (-?[0-9]+( [0-9]+)*)");

    /**
     * What it has of a rank.
     *
     * @param lead the rank whose replica is this rank's, too: the first of its group
     * @param checksum of that replica, see {@link Checksums#ofState}
     * @param counts see {@link io.gyre.training.LocalState#counts}
     */
    record OfRank(int lead, String checksum, String counts) {

        /**
         * Reads {@link #text}.
         *
         * @throws GyreException if it is something else
         */
        static OfRank parse(String line) {
            Matcher matcher = RANK.matcher(line);
            if (!matcher.matches()) {
                throw new GyreException("not what a rank of local steps holds: '"
                        + line.substring(0, Math.min(line.length(), 40)) + "'");
            }
            return new OfRank(Integer.parseInt(matcher.group(1)), matcher.group(2), matcher.group(3));
        }

        /** One line. */
        String text() {
            return lead + " " + checksum + " " + counts;
        }
    }

    LocalRanks {
        ranks = List.copyOf(ranks);
    }

    /** The settings, and a line for each rank. */
    String text() {
        StringBuilder text = new StringBuilder(settings).append('\n');
        ranks.forEach(each -> text.append(each.text()).append('\n'));
        return text.toString();
    }

    /**
     * Reads {@link #text}.
     *
     * @throws GyreException if it is something else, or a rank has the replica of one that it comes before
     */
    static LocalRanks parse(String text) {
        List<String> lines = text.lines().toList();
        if (lines.size() < 2) {
            throw new GyreException("a checkpoint of local steps with " + lines.size() + " lines: it has no ranks");
        }
        List<OfRank> ranks = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            OfRank rank = OfRank.parse(line);
            if (rank.lead() > ranks.size()) {
                throw new GyreException(
                        "rank " + ranks.size() + " of a checkpoint of local steps has the replica of rank "
                                + rank.lead() + ", which comes after it");
            }
            ranks.add(rank);
        }
        return new LocalRanks(lines.get(0), ranks);
    }

    /** The ranks with replicas of their own, but for rank 0, whose replica is that of the checkpoint. */
    List<Integer> leads() {
        return IntStream.range(1, ranks.size())
                .filter(rank -> ranks.get(rank).lead() == rank)
                .boxed()
                .toList();
    }
}
