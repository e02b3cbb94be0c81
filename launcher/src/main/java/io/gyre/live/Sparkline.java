package io.gyre.live;

import java.util.List;

/** A curve as one row of characters. */
final class Sparkline {

    private static final String BARS = "▁▂▃▄▅▆▇█";

    private Sparkline() {}

    /**
     * Draws values, each as a bar between the least and the greatest.
     *
     * @param width most characters; more values than that are averaged
     */
    static String of(List<Double> values, int width) {
        int size = Math.min(width, values.size());
        double[] means = new double[size];
        double least = Double.POSITIVE_INFINITY;
        double greatest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < size; i++) {
            int from = (int) ((long) i * values.size() / size);
            int to = (int) ((long) (i + 1) * values.size() / size);
            means[i] = values.subList(from, to).stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElse(0);
            least = Math.min(least, means[i]);
            greatest = Math.max(greatest, means[i]);
        }
        StringBuilder line = new StringBuilder(size);
        for (double mean : means) {
            double height = greatest > least ? (mean - least) / (greatest - least) : 0;
            line.append(BARS.charAt((int) Math.round(height * (BARS.length() - 1))));
        }
        return line.toString();
    }
}
