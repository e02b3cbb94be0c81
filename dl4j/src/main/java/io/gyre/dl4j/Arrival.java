package io.gyre.dl4j;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a rank says when it comes to a cut.
 *
 * @param nonce of its process and this cut; a process that repeats the calls of a lost one has another
 * @param atEnd whether it takes no more steps in this call of {@code fit}
 * @param lead see {@link io.gyre.training.ServerState#lead}
 * @param border the last border in dealt data that it has reached
 * @param unread dealt batches that it holds
 * @param place where it is, and the checksum of its replica, if that is saved
 */
record Arrival(long nonce, boolean atEnd, int lead, long border, List<Long> unread, Cut.OfRank place) {

    byte[] bytes() {
        String text = "nonce\t" + nonce + "\nend\t" + atEnd + "\nlead\t" + lead + "\nborder\t" + border + "\nunread\t"
                + unread.stream().map(String::valueOf).collect(Collectors.joining(",")) + "\nchecksum\t"
                + place.stateChecksum() + "\n" + place.progress().text();
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static Arrival of(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        return new Arrival(
                Lines.number(text, "nonce"),
                Boolean.parseBoolean(Lines.value(text, "end")),
                Integer.parseInt(Lines.value(text, "lead")),
                Lines.number(text, "border"),
                Dealing.numbers(Lines.value(text, "unread")),
                new Cut.OfRank(Progress.parse(text), Lines.value(text, "checksum")));
    }
}
