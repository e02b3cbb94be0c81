package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.StepSummary;
import io.gyre.World;
import io.gyre.dl4j.StepListener;
import java.io.IOException;
import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/**
 * Shows how far the training is: rank 0 speaks for all, with a bar on a terminal, otherwise with a line every few seconds; the
 * others are silent.
 */
final class TrainProgress implements StepListener, AutoCloseable {

    private static final long LINE_NANOS = 5_000_000_000L;
    private static final long BAR_NANOS = 200_000_000L;

    private final boolean silent;
    private final String task;
    private final long lastStep;
    private @Nullable ProgressBar bar;
    private boolean begun;
    private long examples;
    private long shownNanos;

    /**
     * Prepares the display; it appears with the first step.
     *
     * @param task what the bar is for
     * @param lastStep number of the last step, from 1
     */
    TrainProgress(World world, String task, long lastStep) {
        silent = !world.isRoot();
        this.task = task;
        this.lastStep = lastStep;
    }

    @Override
    public void stepDone(long step, int epoch, StepSummary summary) {
        if (silent) {
            return;
        }
        if (!begun) {
            begin(step);
        }
        examples += summary.examples();
        long now = System.nanoTime();
        long silentNanos = now - shownNanos;
        boolean first = shownNanos == 0;
        if (first || step == lastStep || silentNanos >= (bar == null ? LINE_NANOS : BAR_NANOS)) {
            // A moment is too short to measure a speed: the first step has no beginning, the last comes when it comes.
            boolean moment = first || silentNanos < BAR_NANOS;
            String speed = moment ? "" : ", %,.0f images/s".formatted(examples * 1e9 / silentNanos);
            show(step, epoch, "loss %.4f".formatted(summary.meanScore()) + speed);
            shownNanos = now;
            examples = 0;
        }
    }

    private void begin(long step) {
        begun = true;
        if (isTerminal()) {
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(lastStep)
                    .startsFrom(step - 1, Duration.ZERO)
                    .build();
        }
    }

    private void show(long step, int epoch, String state) {
        if (bar == null) {
            System.out.println("step %,d of %,d, epoch %d, %s".formatted(step, lastStep, epoch + 1, state));
        } else {
            bar.stepTo(step);
            bar.setExtraMessage(state);
        }
    }

    /** Whether the standard error, where the bar is drawn, is a terminal. Only a program that inherits it can tell. */
    private static boolean isTerminal() {
        try {
            return new ProcessBuilder("test", "-t", "2").inheritIO().start().waitFor() == 0;
        } catch (IOException e) {
            throw new GyreException("the program 'test' cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
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
