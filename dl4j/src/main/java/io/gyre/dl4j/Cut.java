package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a checkpoint of ranks that are not in lockstep has besides parameters and states, as its part {@link #PART}.
 *
 * @param strategy its name
 * @param description the strategy with its settings
 * @param updates that the servers had applied, for schedules and bias corrections
 * @param dealing place in dealt data; {@link Dealing#NONE} if each rank has its share
 * @param ranks by rank; empty for one that was lost
 */
record Cut(String strategy, String description, long updates, Dealing dealing, List<Optional<OfRank>> ranks) {

    static final String PART = "cut";

    private static final String BORDER = "rank\t";

    /**
     * Where a rank was.
     *
     * @param stateChecksum of its replica: see {@link Checksums#ofState}
     */
    record OfRank(Progress progress, String stateChecksum) {}

    Cut {
        ranks = List.copyOf(ranks);
    }

    /** Lines of name, tab, value. */
    String text() {
        StringBuilder text = new StringBuilder();
        text.append("strategy\t").append(strategy);
        text.append("\ndescription\t").append(description);
        text.append("\nupdates\t").append(updates);
        text.append("\ndealt\t").append(dealing.text()).append('\n');
        for (Optional<OfRank> rank : ranks) {
            text.append(BORDER).append(rank.isPresent() ? "taken" : "lost").append('\n');
            rank.ifPresent(known -> text.append("checksum\t")
                    .append(known.stateChecksum())
                    .append('\n')
                    .append(known.progress().text()));
        }
        return text.toString();
    }

    /**
     * Reads {@link #text}.
     *
     * @throws GyreException if it is something else
     */
    static Cut parse(String text) {
        List<String> blocks = new ArrayList<>();
        StringBuilder block = new StringBuilder();
        for (String line : text.split("\n", -1)) {
            if (line.startsWith(BORDER)) {
                blocks.add(block.toString());
                block = new StringBuilder();
            }
            block.append(line).append('\n');
        }
        blocks.add(block.toString());
        String head = blocks.get(0);
        List<Optional<OfRank>> ranks = new ArrayList<>();
        for (String each : blocks.subList(1, blocks.size())) {
            ranks.add(
                    "lost".equals(Lines.value(each, "rank"))
                            ? Optional.empty()
                            : Optional.of(new OfRank(Progress.parse(each), Lines.value(each, "checksum"))));
        }
        return new Cut(
                Lines.value(head, "strategy"),
                Lines.value(head, "description"),
                Lines.number(head, "updates"),
                Dealing.parse(Lines.value(head, "dealt")),
                ranks);
    }
}
