package io.gyre.runs;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what rank 0 of a run with seats leaves in the run's directory, as long as this process holds rank 0: an
 * observer of rank 0. The launcher has created the directory, and keeps its lock for the whole run.
 *
 * <p>Each generation opens the curves anew. The process that opens them replaces their file by one that ends where the
 * generation begins: so steps that are repeated are there once, and a process that was given up, and wakes, has only
 * the file that was replaced.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Confined to the thread that trains.
 *   <dt>Failure
 *   <dd>What cannot be written is one warning, and the training goes on.
 * </dl>
 */
public final class SeatedRunWriter implements StepObserver {

    private static final Logger log = LoggerFactory.getLogger(SeatedRunWriter.class);

    private final RunFiles files;
    private final Map<String, Object> setup;
    private final boolean tensorboard;
    private final Clock clock;

    /** Null unless this process holds rank 0, and has begun a pass. */
    private @Nullable RunCurves curves;

    /** Whether this host does not see the directory. */
    private boolean blind;

    private int epoch;

    /**
     * Creates a writer, which begins with the first generation in which this process holds rank 0.
     *
     * @param setup what the launcher does not know of the run, by names in snake case
     * @param tensorboard whether event files are written, too
     */
    public SeatedRunWriter(RunFiles files, Map<String, ?> setup, boolean tensorboard) {
        this(files, setup, tensorboard, Clock.systemUTC());
    }

    SeatedRunWriter(RunFiles files, Map<String, ?> setup, boolean tensorboard, Clock clock) {
        this.files = files;
        this.setup = Map.copyOf(setup);
        this.tensorboard = tensorboard;
        this.clock = clock;
    }

    /** A generation begins in which this process holds rank 0. */
    @Override
    public void trainingBegan(World world, List<Member> members) {
        boolean seen = files.exist();
        if (!seen && !blind) {
            log.warn(
                    "host {} does not see the run directory {}: its curves, and the record of the end, have a gap while"
                            + " rank 0 is here",
                    members.get(0).host(),
                    files.directory());
        }
        blind = !seen;
        List<String> hosts = members.stream().map(Member::host).toList();
        change(record -> {
            Map<String, Object> all = new LinkedHashMap<>(record.setup());
            all.putAll(setup);
            return record.withHosts(hosts).withSetup(all);
        });
    }

    @Override
    public void epochBegan(long step, int number) {
        epoch = number;
        if (curves == null && !blind) {
            if (!Files.exists(files.metrics())) {
                change(record -> record.withLast(
                        new RunRecord.Attempt(record.lastAttempt().began(), null, step, null, null, null, null)));
            }
            curves = new RunCurves(files, tensorboard, clock);
            curves.begin(step);
        }
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        RunCurves open = curves;
        if (open != null && total.examples() > 0) {
            // The steps of a batch all have its examples.
            open.stepDone(step + 1, epoch + 1, total.meanScore(), total.unfinished() ? 0 : total.examples());
        }
    }

    /** Adds what was measured after a step; on the process that holds rank 0. */
    public void measured(long step, int ofEpoch, Map<String, Double> values) {
        if (curves != null) {
            curves.measured(step, ofEpoch, values);
        }
    }

    /** The generation ends: the next may have another process for rank 0. */
    @Override
    public void trainingEnded() {
        RunCurves open = curves;
        curves = null;
        if (open != null) {
            open.flush();
            open.close();
        }
    }

    /**
     * The run has ended, or was told to: writes its results and its card. On the process that holds rank 0, which may
     * repeat what one before it has written.
     *
     * @param state {@link RunState#COMPLETE} or {@link RunState#STOPPED}
     * @param firstStep number of steps done before this attempt
     * @param steps of this attempt
     * @param examples of them, of all ranks together, as far as this process knows
     * @param seconds of the steps, as far as this process knows
     */
    public void end(
            RunState state, long firstStep, long steps, long examples, double seconds, Map<String, Object> result) {
        end(state, firstStep, steps, Long.valueOf(examples), seconds, new LinkedHashMap<>(result));
    }

    /**
     * The program has done what it was to do: as {@link #end}, with the steps that are in the curves, whoever has
     * written them.
     */
    void complete(Map<String, ?> result) {
        if (curves != null) {
            curves.flush();
        }
        if (blind) {
            return;
        }
        tolerate(() -> {
            long first = RunRecord.read(files).lastAttempt().firstStep();
            long last = first;
            double seconds = 0;
            Map<String, Object> all = new LinkedHashMap<>(result);
            all.put("epoch", 0L);
            for (MetricsFile.Line line : MetricsFile.lines(files.metrics())) {
                last = line.step();
                seconds = line.values().getOrDefault("seconds", seconds);
                all.put("epoch", line.values().getOrDefault("epoch", 0.0).longValue());
            }
            all.put("step", last);
            end(RunState.COMPLETE, first, last - first, null, seconds, all);
        });
    }

    private void end(
            RunState state,
            long firstStep,
            long steps,
            @Nullable Long examples,
            double seconds,
            Map<String, Object> result) {
        if (curves != null) {
            curves.flush();
        }
        String now = Instant.now(clock).truncatedTo(ChronoUnit.SECONDS).toString();
        // What the processors of a host used is not that of a run whose rank 0 moves between hosts.
        change(record -> record.withLast(new RunRecord.Attempt(
                        record.lastAttempt().began(), now, firstStep, steps, examples, seconds, null))
                .with(state, result, null));
        if (!blind) {
            tolerate(() -> ModelCard.of(RunRecord.read(files), MetricsFile.lines(files.metrics()))
                    .write(files));
        }
    }

    /** Changes the record of the run, as one reads it. */
    @FunctionalInterface
    private interface Change {
        @Nullable RunRecord of(RunRecord record);
    }

    private void change(Change change) {
        if (!blind) {
            tolerate(() -> {
                RunRecord changed = change.of(RunRecord.read(files));
                if (changed != null) {
                    changed.write(files);
                }
            });
        }
    }

    private void tolerate(RunCurves.Writing writing) {
        try {
            writing.run();
        } catch (IOException e) {
            log.warn("the run directory {} cannot be written: {}", files.directory(), DurableFile.reason(e));
        } catch (BadRunException e) {
            log.warn("{}. The training goes on", e.getMessage());
        }
    }
}
