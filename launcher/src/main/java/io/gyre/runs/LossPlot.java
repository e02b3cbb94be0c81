package io.gyre.runs;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A curve as SVG: loss over steps, on a logarithmic scale if it spans more than a factor of ten. */
public final class LossPlot {

    private static final int WIDTH = 640;
    private static final int HEIGHT = 320;
    private static final int LEFT = 70;
    private static final int RIGHT = 20;
    private static final int TOP = 30;
    private static final int BOTTOM = 45;
    private static final int TICKS = 5;

    /** A line has more points than this only if it is drawn with more than the eye can see. */
    private static final int MOST_POINTS = 1_000;

    /** A loss after a step. */
    public record Point(long step, double loss) {}

    private final List<Point> points;
    private final boolean logarithmic;
    private final double least;
    private final double most;
    private final long firstStep;
    private final long lastStep;

    private LossPlot(List<Point> points) {
        this.points = points;
        double smallest = points.stream().mapToDouble(Point::loss).min().orElse(0);
        double largest = points.stream().mapToDouble(Point::loss).max().orElse(1);
        logarithmic = smallest > 0 && largest > 10 * smallest;
        least = scaled(smallest);
        most = largest > smallest ? scaled(largest) : least + 1;
        firstStep = points.get(0).step();
        lastStep = Math.max(firstStep + 1, points.get(points.size() - 1).step());
    }

    /**
     * Draws.
     *
     * @param points by step, ascending; at least one, all finite
     */
    static String of(String title, List<Point> points) {
        return new LossPlot(thinned(points)).draw(title);
    }

    private static List<Point> thinned(List<Point> all) {
        int every = (all.size() + MOST_POINTS - 1) / MOST_POINTS;
        return IntStream.range(0, all.size())
                .filter(index -> index % every == 0 || index == all.size() - 1)
                .mapToObj(all::get)
                .toList();
    }

    private double scaled(double loss) {
        return logarithmic ? Math.log10(loss) : loss;
    }

    private double x(double step) {
        return LEFT + (step - firstStep) / (lastStep - firstStep) * (WIDTH - LEFT - RIGHT);
    }

    private double y(double scaledLoss) {
        return TOP + (most - scaledLoss) / (most - least) * (HEIGHT - TOP - BOTTOM);
    }

    private String draw(String title) {
        StringBuilder svg = new StringBuilder();
        svg.append(text("""
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" \
                aria-label="%s" font-family="sans-serif" font-size="12">
                <rect width="100%%" height="100%%" fill="white"/>
                <text x="%d" y="18" font-size="14">%s</text>
                """, WIDTH, HEIGHT, WIDTH, HEIGHT, escaped(title), LEFT, escaped(title)));
        for (int i = 0; i <= TICKS; i++) {
            double value = least + (most - least) * i / TICKS;
            double at = y(value);
            svg.append(text("""
                    <line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>
                    <text x="%d" y="%.1f" text-anchor="end">%s</text>
                    """, LEFT, at, WIDTH - RIGHT, at, LEFT - 8, at + 4, number(value)));
            double step = firstStep + (double) (lastStep - firstStep) * i / TICKS;
            svg.append(text(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%,d</text>%n",
                    x(step), HEIGHT - BOTTOM + 18, Math.round(step)));
        }
        String line = points.stream()
                .map(point -> text("%.1f,%.1f", x((double) point.step()), y(scaled(point.loss()))))
                .collect(Collectors.joining(" "));
        svg.append(text("""
                <text x="%d" y="%d" text-anchor="middle">step</text>
                <polyline fill="none" stroke="#1f5fa8" stroke-width="1.5" points="%s"/>
                </svg>
                """, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, line));
        return svg.toString();
    }

    private String number(double scaledLoss) {
        return text("%.3g", logarithmic ? Math.pow(10, scaledLoss) : scaledLoss);
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
