package io.gyre.runs;

import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The curves of a run: appended to {@code metrics.jsonl} and, if wanted, to an event file of TensorBoard. A file that
 * cannot be written is one warning; the curves end there. Confined to one thread.
 */
final class RunCurves implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(RunCurves.class);

    private final RunFiles files;
    private final boolean tensorboard;
    private final Clock clock;
    private final StepMeans means = new StepMeans();

    /** What is known of the step from which the curves continue. */
    private final Set<String> atFirstStep = new HashSet<>();

    private long firstStep;
    private double secondsBefore;
    private @Nullable MetricsFile metrics;
    private @Nullable EventFile events;
    private boolean failed;

    RunCurves(RunFiles files, boolean tensorboard, Clock clock) {
        this.files = files;
        this.tensorboard = tensorboard;
        this.clock = clock;
    }

    /** See {@link RunWriter#begin}. The file is replaced, so that nobody else who has it open writes into it. */
    void begin(long first) {
        firstStep = first;
        tolerate(() -> {
            metrics = MetricsFile.open(files.metrics(), first);
            for (MetricsFile.Line line : MetricsFile.lines(files.metrics())) {
                secondsBefore = Math.max(secondsBefore, line.values().getOrDefault("seconds", 0.0));
                if (line.step() == first) {
                    atFirstStep.addAll(line.values().keySet());
                }
            }
            if (tensorboard) {
                events = EventFile.create(files.tensorboard(), first, () -> clock.millis() / 1e3);
            }
        });
        means.begin(System.nanoTime());
    }

    /** See {@link RunWriter#stepDone}; returns whether a line was added. */
    boolean stepDone(long step, int epoch, double loss, long examples) {
        long now = System.nanoTime();
        boolean added = false;
        if (means.isOtherEpoch(epoch)) {
            appendMeans(now);
            added = true;
        }
        means.add(step, epoch, loss, examples);
        if (means.isDue(now)) {
            appendMeans(now);
            added = true;
        }
        return added;
    }

    /** Adds what was measured after a step, unless it is there already. */
    void measured(long step, int epoch, Map<String, Double> values) {
        flush();
        if (step != firstStep || !atFirstStep.containsAll(values.keySet())) {
            append(step, epoch, means.secondsAt(System.nanoTime()), values);
        }
    }

    /** Adds the steps that wait for their line. */
    void flush() {
        if (means.isBegun()) {
            appendMeans(System.nanoTime());
        }
    }

    private void appendMeans(long now) {
        StepMeans.Line line = means.take(now);
        append(line.step(), line.epoch(), line.seconds(), line.values());
    }

    private void append(long step, int epoch, double seconds, Map<String, Double> values) {
        if (metrics == null || failed) {
            return;
        }
        MetricsFile lines = metrics;
        tolerate(() -> {
            lines.append(step, epoch, secondsBefore + seconds, values);
            if (events != null) {
                for (Map.Entry<String, Double> value : values.entrySet()) {
                    events.scalar(value.getKey(), step, value.getValue());
                }
            }
        });
    }

    /** Writes a file of the directory. */
    @FunctionalInterface
    interface Writing {
        void run() throws IOException;
    }

    /** Writes; the first failure is a warning, and ends the curves. */
    void tolerate(Writing writing) {
        try {
            writing.run();
        } catch (IOException e) {
            if (!failed) {
                failed = true;
                log.warn(
                        "the run directory {} cannot be written: {}. The training goes on, and its curves end here",
                        files.directory(),
                        DurableFile.reason(e));
            }
        }
    }

    /** Closes the files. A second call does nothing. */
    @Override
    public void close() {
        List<AutoCloseable> open = new ArrayList<>();
        if (metrics != null) {
            open.add(metrics);
        }
        if (events != null) {
            open.add(events);
        }
        for (AutoCloseable each : open) {
            try {
                each.close();
            } catch (Exception e) {
                log.warn("a file of the run directory {} cannot be closed: {}", files.directory(), e.toString());
            }
        }
    }
}
