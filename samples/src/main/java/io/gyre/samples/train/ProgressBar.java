package io.gyre.samples.train;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.IntSupplier;

/**
 * One line of a terminal, redrawn at the terminal's current width. What does not fit is omitted, the least important
 * first.
 *
 * <p>The cursor stays at the beginning of the line: a terminal that becomes narrower and wraps the line leaves it in
 * the upper row, from where the next drawing erases everything below.
 */
final class ProgressBar implements AutoCloseable {

    private static final String ERASE = "\r\033[J";
    private static final int LEAST_BAR = 10;
    private static final int MOST_BAR = 60;

    private final PrintStream out;
    private final IntSupplier columns;
    private final String task;
    private final long lastStep;
    private final long firstStep;
    private boolean open = true;

    /**
     * Draws nothing yet.
     *
     * @param out borrowed; a terminal
     * @param columns its width, read before each drawing
     * @param task what the bar is for
     * @param firstStep number of the last step done before
     * @param lastStep number of the last step
     */
    ProgressBar(PrintStream out, IntSupplier columns, String task, long firstStep, long lastStep) {
        this.out = out;
        this.columns = columns;
        this.task = task;
        this.firstStep = firstStep;
        this.lastStep = lastStep;
    }

    /**
     * Draws the line.
     *
     * @param step number of the last completed step
     * @param elapsed since the first
     * @param state further texts, the most important first
     */
    void show(long step, Duration elapsed, String... state) {
        // The last column stays free: some terminals wrap a line that fills it.
        draw(line(columns.getAsInt() - 1, step, elapsed, state) + "\r");
    }

    private void draw(String text) {
        out.print(ERASE + text);
        out.flush();
    }

    private String line(int width, long step, Duration elapsed, String... state) {
        String percent = "%d%%".formatted(lastStep == 0 ? 100 : 100 * step / lastStep);
        String steps = "%,d/%,d".formatted(step, lastStep);
        String times = times(step, elapsed);
        String important = state.length == 0 ? "" : state[0];
        String whole = String.join(", ", state);
        String[] ends = {
            join(percent, steps, times, whole),
            join(percent, steps, whole),
            join(percent, steps, important),
            join(percent, important)
        };
        for (String end : ends) {
            int bar = width - task.length() - end.length() - 4;
            if (bar >= LEAST_BAR) {
                return task + " " + bar(Math.min(bar, MOST_BAR), step) + " " + end;
            }
        }
        String shortest = ends[2].length() <= width ? ends[2] : ends[3];
        return shortest.substring(0, Math.max(0, Math.min(width, shortest.length())));
    }

    private static String join(String... parts) {
        return String.join(
                " ", Arrays.stream(parts).filter(part -> !part.isEmpty()).toList());
    }

    private String bar(int width, long step) {
        int done = (int) (lastStep == 0 ? width : width * step / lastStep);
        return "[" + "=".repeat(done) + (done < width ? ">" : "") + " ".repeat(Math.max(0, width - done - 1)) + "]";
    }

    /** Elapsed time, and the estimated total. */
    private String times(long step, Duration elapsed) {
        long done = step - firstStep;
        if (done == 0) {
            return clock(elapsed);
        }
        Duration whole = Duration.ofNanos((long) ((double) elapsed.toNanos() / done * (lastStep - firstStep)));
        return clock(elapsed) + "/" + clock(whole);
    }

    private static String clock(Duration time) {
        return "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }

    /** Leaves the line as it is; later output begins below it. A second call does nothing. */
    @Override
    public void close() {
        if (open) {
            open = false;
            out.println();
        }
    }
}
