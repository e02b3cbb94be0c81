package io.gyre.samples.train;

import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import java.time.Duration;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Shows the progress of the training, with a bar on a terminal, otherwise with a line every few seconds. An observer of
 * rank 0 alone, which reports for all.
 */
final class TrainProgress implements StepObserver, AutoCloseable {

    private static final long LINE_NANOS = 5_000_000_000L;
    private static final long BAR_NANOS = 200_000_000L;

    private final String task;
    private final long lastStep;
    private final IntSupplier columns;
    private @Nullable ProgressBar bar;
    private long beganNanos;
    private boolean begun;
    private int epoch;
    private long examples;
    private long shownNanos;

    /**
     * Creates the display; it appears with the first step.
     *
     * @param task what the bar is for
     * @param lastStep number of the last step, from 1
     */
    TrainProgress(String task, long lastStep) {
        this(task, lastStep, new TerminalWidth());
    }

    /** The same, with the terminal's width from a supplier. */
    TrainProgress(String task, long lastStep, IntSupplier columns) {
        this.columns = columns;
        this.task = task;
        this.lastStep = lastStep;
    }

    @Override
    public void epochBegan(long step, int number) {
        epoch = number;
    }

    @Override
    public void stepEnded(long number, StepSummary summary, long bytesSent) {
        if (summary.examples() == 0) {
            return;
        }
        long step = number + 1;
        if (!begun) {
            begin(step);
        }
        // The steps of a batch all have its examples.
        examples += summary.unfinished() ? 0 : summary.examples();
        long now = System.nanoTime();
        long silentNanos = now - shownNanos;
        boolean first = shownNanos == 0;
        if (first || step == lastStep || silentNanos >= (bar == null ? LINE_NANOS : BAR_NANOS)) {
            // Too short an interval to measure a speed: the first step has no start time, and the last may follow at
            // any time.
            boolean moment = first || silentNanos < BAR_NANOS;
            String speed = moment ? "" : "%,.0f examples/s".formatted(examples * 1e9 / silentNanos);
            show(step, "loss %.4f".formatted(summary.meanScore()), speed);
            shownNanos = now;
            examples = 0;
        }
    }

    private void begin(long step) {
        begun = true;
        beganNanos = System.nanoTime();
        if (columns.getAsInt() > 0) {
            bar = new ProgressBar(System.err, columns, task, step - 1, lastStep);
        }
    }

    private void show(long step, String loss, String speed) {
        if (bar == null) {
            String end = speed.isEmpty() ? "" : ", " + speed;
            System.out.println("step %,d of %,d, epoch %d, %s".formatted(step, lastStep, epoch + 1, loss) + end);
        } else {
            Duration elapsed = Duration.ofNanos(System.nanoTime() - beganNanos);
            if (speed.isEmpty()) {
                bar.show(step, elapsed, loss);
            } else {
                bar.show(step, elapsed, loss, speed);
            }
        }
    }

    /** Leaves the bar as it is. A second call does nothing. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
