package io.gyre.startup;

import io.gyre.ProtocolException;
import java.util.Iterator;
import java.util.List;

/** A record of the start-up check as a line of fields, as ranks send it to each other. */
final class FactLines {

    private static final int LONGEST_SHOWN = 40;

    private final Iterator<String> fields;
    private final String line;

    private FactLines(String line) {
        this.line = line;
        fields = List.of(line.split("\t", -1)).iterator();
    }

    static String rank(RankFacts facts) {
        HostFacts host = facts.host();
        return line(
                facts.rank(),
                host.host(),
                host.machine(),
                host.gyre(),
                host.java(),
                host.cores(),
                host.cpus(),
                host.threads(),
                host.memoryBytes(),
                host.availableBytes(),
                host.sharedBytes(),
                host.load(),
                facts.memoryOf(),
                facts.speed().mixesPerSecond(),
                facts.speed().copiedBytesPerSecond());
    }

    /**
     * Reads {@link #rank}.
     *
     * @throws ProtocolException if it is something else
     */
    static RankFacts parseRank(String text) {
        FactLines line = new FactLines(text);
        int rank = line.count();
        HostFacts host = new HostFacts(
                line.next(),
                line.next(),
                line.next(),
                line.next(),
                line.count(),
                line.next(),
                line.count(),
                line.whole(),
                line.whole(),
                line.whole(),
                line.real());
        RankFacts facts = new RankFacts(rank, host, line.count(), new HostSpeed(line.real(), line.real()));
        line.end();
        return facts;
    }

    static String link(Link link) {
        return line(
                link.from(),
                link.to(),
                link.kind(),
                link.delayNanos(),
                link.bytesPerSecond(),
                link.clock().nanos(),
                link.clock().wallNanos(),
                link.clock().errorNanos());
    }

    /**
     * Reads {@link #link}.
     *
     * @throws ProtocolException if it is something else
     */
    static Link parseLink(String text) {
        FactLines line = new FactLines(text);
        Link link = new Link(
                line.count(),
                line.count(),
                line.next(),
                line.whole(),
                line.real(),
                new ClockDifference(line.whole(), line.whole(), line.whole()));
        line.end();
        return link;
    }

    static String costs(StepCosts costs) {
        return line(
                costs.rank(),
                costs.stepNanos(),
                costs.dataNanos(),
                costs.waitNanos(),
                costs.bytes(),
                costs.networkBytes());
    }

    /**
     * Reads {@link #costs}.
     *
     * @throws ProtocolException if it is something else
     */
    static StepCosts parseCosts(String text) {
        FactLines line = new FactLines(text);
        StepCosts costs =
                new StepCosts(line.count(), line.whole(), line.whole(), line.whole(), line.whole(), line.whole());
        line.end();
        return costs;
    }

    private static String line(Object... values) {
        StringBuilder line = new StringBuilder();
        for (Object value : values) {
            line.append(line.isEmpty() ? "" : "\t")
                    .append(String.valueOf(value)
                            .replace('\t', ' ')
                            .replace('\n', ' ')
                            .replace('\r', ' '));
        }
        return line.toString();
    }

    private String next() {
        if (!fields.hasNext()) {
            throw wrong("ends too early");
        }
        return fields.next();
    }

    private long whole() {
        String field = next();
        try {
            return Long.parseLong(field);
        } catch (NumberFormatException e) {
            throw wrong("has '" + shown(field) + "' instead of a number");
        }
    }

    private int count() {
        long value = whole();
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw wrong("has " + value + " where a number from 0 to " + Integer.MAX_VALUE + " was due");
        }
        return (int) value;
    }

    private double real() {
        String field = next();
        try {
            return Double.parseDouble(field);
        } catch (NumberFormatException e) {
            throw wrong("has '" + shown(field) + "' instead of a number");
        }
    }

    private void end() {
        if (fields.hasNext()) {
            throw wrong("goes on");
        }
    }

    private ProtocolException wrong(String what) {
        return new ProtocolException("a line of the start-up check " + what + ": " + shown(line));
    }

    private static String shown(String text) {
        return text.substring(0, Math.min(text.length(), LONGEST_SHOWN));
    }
}
