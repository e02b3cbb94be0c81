package io.gyre.queue;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The values of one option in a sweep file: a list, or a range such as {@code {"from": 1, "to": 9, "count": 3}}. */
final class SweepValues {

    private static final Set<String> KEYS = Set.of("from", "to", "count", "scale");
    private static final int MOST = 1_000;
    private static final MathContext DIGITS = new MathContext(6);

    private SweepValues() {}

    /**
     * Reads values.
     *
     * @throws IllegalArgumentException with the option and what is wrong
     */
    static List<String> of(String option, JsonNode node) {
        List<String> values = node.isArray() ? listed(option, node) : range(option, node);
        if (values.isEmpty()) {
            throw bad(option, "has no values");
        }
        if (new HashSet<>(values).size() < values.size()) {
            throw bad(option, "has a value twice: " + values);
        }
        return values;
    }

    private static List<String> listed(String option, JsonNode node) {
        List<String> values = new ArrayList<>();
        for (JsonNode value : node) {
            if (!value.isNumber() && !value.isTextual()) {
                throw bad(option, "has the value " + value + ": expected numbers or texts");
            }
            values.add(value.asText());
        }
        return values;
    }

    private static List<String> range(String option, JsonNode node) {
        if (!node.isObject()) {
            throw bad(option, "is " + node + ": expected a list, or an object with from, to, count and scale");
        }
        node.fieldNames().forEachRemaining(key -> {
            if (!KEYS.contains(key)) {
                throw bad(option, "has the key '" + key + "', which is unknown" + Nearest.hint(key, KEYS));
            }
        });
        double from = number(option, node, "from");
        double to = number(option, node, "to");
        int count = (int) number(option, node, "count");
        String scale = node.path("scale").asText("linear");
        boolean log = scale.equals("log");
        if (!log && !scale.equals("linear")) {
            throw bad(option, "has the scale '" + scale + "': expected linear or log");
        }
        if (count < 1 || count > MOST) {
            throw bad(option, "has the count " + node.path("count") + ": expected 1 to " + MOST);
        }
        if (from > to || (count > 1 && from == to)) {
            throw bad(option, "has an empty range, from " + node.path("from") + " to " + node.path("to"));
        }
        if (log && from <= 0) {
            throw bad(option, "begins with " + node.path("from") + ": a log scale needs positive numbers");
        }
        List<String> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double part = count == 1 ? 0 : (double) i / (count - 1);
            double value = log ? from * Math.pow(to / from, part) : from + (to - from) * part;
            values.add(new BigDecimal(value).round(DIGITS).stripTrailingZeros().toPlainString());
        }
        return values;
    }

    private static double number(String option, JsonNode node, String key) {
        JsonNode value = node.path(key);
        if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
            throw bad(option, value.isMissingNode() ? "lacks '" + key + "'" : "has " + key + " " + value);
        }
        return value.asDouble();
    }

    private static IllegalArgumentException bad(String option, String what) {
        return new IllegalArgumentException("parameters: " + option + " " + what);
    }
}
