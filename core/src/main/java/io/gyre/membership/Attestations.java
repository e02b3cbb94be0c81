package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Attest;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the ranks of a run attest: compares each value with the first of the same topic. Ranks may attest a topic at any
 * time, so nothing tells when a topic is complete: the latest {@value #TOPICS} are kept.
 */
final class Attestations {

    static final int TOPICS = 1 << 14;

    private final Map<String, First> firsts = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, First> eldest) {
            return size() > TOPICS;
        }
    };

    private record First(Member member, String value) {}

    /** Takes a rank's value. Returns how it differs from that of an earlier rank, or null. */
    @Nullable String difference(Member member, Attest attest) {
        First first = firsts.putIfAbsent(attest.topic(), new First(member, attest.value()));
        if (first == null || first.value().equals(attest.value())) {
            return null;
        }
        return "the ranks differ in " + attest.topic() + ": " + first.value() + " on " + first.member() + ", "
                + attest.value() + " on " + member + ". " + attest.remedy();
    }
}
