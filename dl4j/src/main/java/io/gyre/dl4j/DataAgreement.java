package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.session.Session;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Checks in every step that ranks which should read the same data do, and if not, reports who read what. */
final class DataAgreement {

    static final String REMEDY = " All ranks must read the same data in the same order: give whatever shuffles or adds"
            + " noise a seed, read the same files, use the same pre-processor; or let rank 0 read for all by"
            + " Sharding.FROM_ROOT. If each rank has data of its own, divide by Sharding.OWN.";

    private static final String ENDED = "-";

    private DataAgreement() {}

    /**
     * Fails on all ranks alike, unless all have read the same.
     *
     * @param total sum over all ranks in step
     * @param own what this rank read for the step
     * @param inStep the ranks that take the step
     * @param step number of the step
     * @param epoch of the data
     */
    static void check(StepSummary total, Share own, Session inStep, long step, int epoch) {
        List<StepReport> reports = total.reports();
        long all = reports.get(0).dataFingerprint();
        for (int rank = 1; rank < reports.size(); rank++) {
            long ofRank = reports.get(rank).dataFingerprint();
            if (!Fingerprint.agree(all, ofRank)) {
                throw different(reports, own, inStep, "step " + step + " in epoch " + epoch);
            }
            all = Fingerprint.moreKnown(all, ofRank);
        }
    }

    /** Whether the source of any rank in step returns other values each time it is read. */
    static boolean anyUnknown(StepSummary total) {
        List<StepReport> reports = total.reports();
        for (int rank = 0; rank < reports.size(); rank++) {
            if (Fingerprint.isOfUnknownValues(reports.get(rank).dataFingerprint())) {
                return true;
            }
        }
        return false;
    }

    /** What to report of those ranks, if there are any. */
    static String unknown(StepSummary total, Session inStep) {
        List<StepReport> reports = total.reports();
        List<Member> ranks = new ArrayList<>();
        for (int rank = 0; rank < reports.size(); rank++) {
            if (Fingerprint.isOfUnknownValues(reports.get(rank).dataFingerprint())) {
                ranks.add(inStep.members().get(rank));
            }
        }
        return unknown(ranks);
    }

    /** The same, of given ranks. */
    static String unknown(List<Member> ranks) {
        return "the example source gives other values when it is asked for the same examples again, on " + names(ranks)
                + ": what ranks read is not compared. Draw from Nd4j.getRandom(), seeded before each batch";
    }

    private static GyreException different(List<StepReport> reports, Share own, Session inStep, String where) {
        List<Map<String, String>> ofRanks = new ArrayList<>();
        for (byte[] text :
                inStep.exchange("what was read for " + where, text(own).getBytes(StandardCharsets.UTF_8))) {
            ofRanks.add(parse(new String(text, StandardCharsets.UTF_8)));
        }
        String what = firstDifferent(ofRanks);
        Map<String, List<Member>> byContent = new LinkedHashMap<>();
        for (int rank = 0; rank < ofRanks.size(); rank++) {
            String content = what.isEmpty()
                    ? "fingerprint " + Long.toHexString(reports.get(rank).dataFingerprint()) + " so far"
                    : content(ofRanks.get(rank), what);
            byContent
                    .computeIfAbsent(content, absent -> new ArrayList<>())
                    .add(inStep.members().get(rank));
        }
        StringBuilder text = new StringBuilder("the ranks have not read the same data for ").append(where);
        if (!what.isEmpty()) {
            text.append(", from ").append(what).append(" on");
        }
        text.append(": ");
        byContent.entrySet().stream()
                .sorted((a, b) ->
                        Integer.compare(a.getValue().size(), b.getValue().size()))
                .forEach(entry -> text.append(entry.getKey())
                        .append(" on ")
                        .append(names(entry.getValue()))
                        .append("; "));
        text.setLength(text.length() - 2);
        return new GyreException(text + ". No update was applied." + REMEDY);
    }

    private static String content(Map<String, String> ofRank, String what) {
        String content = ofRank.get(what);
        return content == null ? "no " + what + ", as the data have ended," : content;
    }

    private static String names(List<Member> members) {
        StringBuilder names = new StringBuilder();
        members.forEach(member -> names.append(names.isEmpty() ? "" : ", ").append(member));
        return names.toString();
    }

    /** The first item that not all ranks read alike; empty if there is none. */
    private static String firstDifferent(List<Map<String, String>> ofRanks) {
        Set<String> all = new LinkedHashSet<>();
        ofRanks.forEach(reads -> all.addAll(reads.keySet()));
        for (String what : all) {
            if (ofRanks.stream().map(reads -> content(reads, what)).distinct().count() > 1) {
                return what;
            }
        }
        return "";
    }

    private static String text(Share share) {
        StringBuilder text = new StringBuilder();
        share.reads()
                .forEach(read -> text.append(read.name())
                        .append('\t')
                        .append(read.content())
                        .append('\n'));
        return text.isEmpty() ? ENDED : text.toString();
    }

    private static Map<String, String> parse(String text) {
        Map<String, String> reads = new LinkedHashMap<>();
        text.lines()
                .map(line -> line.split("\t", 2))
                .filter(line -> line.length == 2)
                .forEach(line -> reads.put(line[0], line[1]));
        return reads;
    }
}
