package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Attest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the ranks of a run attest: compares each value with the first of the same topic. Ranks may attest a topic at any
 * time between two of their exchanges, so nothing tells when a topic is complete: the latest {@value #TOPICS} are kept.
 */
final class Attestations {

    static final int TOPICS = 1 << 14;

    private final Map<Topic, First> firsts = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Topic, First> eldest) {
            return size() > TOPICS;
        }
    };

    /**
     * What is compared. After an exchange the same words are another topic, so a program may begin again.
     *
     * @param exchanges how many the ranks have completed
     */
    private record Topic(List<Integer> ranks, int exchanges, String words) {}

    private record First(Member member, String value) {}

    /** Takes a rank's value. Returns how it differs from that of an earlier rank, or null. */
    @Nullable String difference(Participant participant, Attest attest) {
        Member member = participant.member;
        List<Integer> ranks = attest.ranks();
        Topic topic = new Topic(ranks, participant.held.getOrDefault(ranks, 0), attest.topic());
        First first = firsts.putIfAbsent(topic, new First(member, attest.value()));
        if (first == null || first.value().equals(attest.value())) {
            return null;
        }
        return "the ranks differ in " + attest.topic() + ": " + first.value() + " on " + first.member() + ", "
                + attest.value() + " on " + member + ". " + attest.remedy();
    }
}
