package io.gyre.runs;

import io.gyre.launcher.VersionLines;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what a run leaves in its directory; only one process of a run has one. From the first step on, nothing that it
 * does ends the training: if a file cannot be written, that is one warning.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Confined to one thread.
 * </dl>
 */
public final class RunWriter implements AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(RunWriter.class);

    private final RunFiles files;
    private final Clock clock;
    private final RunLock lock;
    private final RunCurves curves;
    private final HostEnergy energy = new HostEnergy(HostEnergy.ROOT);
    private RunRecord record;
    private boolean ended;

    private RunWriter(RunFiles files, RunRecord record, RunLock lock, boolean tensorboard, Clock clock) {
        this.files = files;
        this.record = record;
        this.lock = lock;
        this.clock = clock;
        curves = new RunCurves(files, tensorboard, clock);
    }

    /**
     * Begins a run in a new directory, or continues the one that is there.
     *
     * @param resume whether a run that is there is continued
     * @throws BadRunException if there is another run, or one that is under way, damaged or of another version
     * @throws IOException if the directory cannot be written
     */
    public static RunWriter open(RunFiles files, RunPlan plan, boolean resume) throws IOException {
        return open(files, plan, resume, Clock.systemUTC());
    }

    static RunWriter open(RunFiles files, RunPlan plan, boolean resume, Clock clock) throws IOException {
        boolean continued = resume && files.exist();
        RunRecord.Attempt attempt = new RunRecord.Attempt(now(clock), null, 0, null, null, null, null);
        if (!continued) {
            check(files, false);
            RunRecord first = new RunRecord(
                    RunRecord.FORMAT,
                    files.name(),
                    plan.parent(),
                    plan.arguments(),
                    plan.setup(),
                    VersionLines.lines(),
                    plan.hosts(),
                    RunState.RUNNING,
                    List.of(attempt),
                    Map.of(),
                    null);
            RunDirectories.create(files, first);
        }
        RunLock lock = RunLock.take(files.lock());
        if (lock == null) {
            throw inUse(files);
        }
        try {
            RunRecord record = RunRecord.read(files);
            if (continued) {
                record = record.withOneMore(attempt).with(RunState.RUNNING, Map.of(), null);
                record.write(files);
            }
            return new RunWriter(files, record, lock, plan.tensorboard(), clock);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /**
     * Fails if {@link #open} would find that the directory cannot be this run's: before anything is started.
     *
     * @throws BadRunException as it does
     */
    public static void check(RunFiles files, boolean resume) {
        if (!resume || !files.exist()) {
            RunDirectories.checkFree(files);
            return;
        }
        RunRecord.read(files);
        try {
            if (RunLock.isHeld(files.lock())) {
                throw inUse(files);
            }
        } catch (IOException e) {
            throw new BadRunException(files.lock() + " cannot be read: " + DurableFile.reason(e), e);
        }
    }

    private static BadRunException inUse(RunFiles files) {
        String holder;
        try {
            holder = RunLock.holder(files.lock());
        } catch (IOException e) {
            holder = "a process that did not say which";
        }
        return new BadRunException("run " + files.directory() + " is under way (" + holder
                + "): wait for it, or choose another directory");
    }

    private static String now(Clock clock) {
        return Instant.now(clock).truncatedTo(ChronoUnit.SECONDS).toString();
    }

    public RunFiles files() {
        return files;
    }

    /** What is known so far. */
    public RunRecord record() {
        return record;
    }

    /** The ranks have joined: where each is. */
    void joined(List<String> hosts) {
        record = record.withHosts(hosts);
        curves.tolerate(() -> record.write(files));
    }

    /**
     * The first step is about to begin.
     *
     * @param firstStep number of steps done before: later lines of a run that was cut off are removed
     */
    public void begin(long firstStep) {
        RunRecord.Attempt attempt = record.lastAttempt();
        record = record.withLast(new RunRecord.Attempt(attempt.began(), null, firstStep, null, null, null, null));
        curves.begin(firstStep);
    }

    /**
     * A step is done. Most are only added to the next line.
     *
     * @param step number of steps done
     * @param epoch of the step, from 1
     * @param loss mean over its examples
     * @param examples of all ranks together
     */
    public void stepDone(long step, int epoch, double loss, long examples) {
        if (curves.stepDone(step, epoch, loss, examples)) {
            energy.sample();
        }
    }

    /** Adds what was measured after a step. */
    public void measured(long step, int epoch, Map<String, Double> values) {
        curves.measured(step, epoch, values);
    }

    /**
     * The run has ended, or was told to: writes its results and its card.
     *
     * @param state {@link RunState#COMPLETE} or {@link RunState#STOPPED}
     * @param steps that this process took
     * @param examples of them, of all ranks together
     * @param seconds of the steps
     */
    public void end(RunState state, long steps, long examples, double seconds, Map<String, Object> result) {
        curves.flush();
        RunRecord.Attempt attempt = record.lastAttempt();
        energy.sample();
        OptionalDouble joules = energy.joules();
        record = record.withLast(new RunRecord.Attempt(
                        attempt.began(),
                        now(clock),
                        attempt.firstStep(),
                        steps,
                        examples,
                        seconds,
                        joules.isPresent() ? joules.getAsDouble() : null))
                .with(state, new LinkedHashMap<>(result), null);
        ended = true;
        curves.tolerate(() -> {
            record.write(files);
            ModelCard.of(record, MetricsFile.lines(files.metrics())).write(files);
        });
    }

    /** The run has failed; a run that has ended stays as it ended. */
    public void fail(String reason) {
        if (ended) {
            return;
        }
        ended = true;
        curves.flush();
        RunRecord.Attempt attempt = record.lastAttempt();
        record = record.withLast(
                        new RunRecord.Attempt(attempt.began(), now(clock), attempt.firstStep(), null, null, null, null))
                .with(RunState.FAILED, Map.of(), reason);
        curves.tolerate(() -> record.write(files));
    }

    /**
     * The processes of the run have ended, one of which has written the end, if all went well; otherwise the run has
     * failed.
     */
    public void failUnlessEnded(String reason) {
        record = RunRecord.read(files);
        if (record.state() == RunState.RUNNING) {
            fail(reason);
        }
    }

    /** Closes the files and lets others use the directory. A second call does nothing. */
    @Override
    public void close() {
        curves.close();
        try {
            lock.close();
        } catch (IOException e) {
            log.warn("the lock of the run directory {} cannot be closed: {}", files.directory(), e.toString());
        }
    }
}
