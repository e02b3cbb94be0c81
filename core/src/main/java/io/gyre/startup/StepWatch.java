package io.gyre.startup;

import io.gyre.session.Session;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepSummary;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes the times of a few steps after the first, logs the {@link StepVerdict} once, on rank 0, and does nothing from
 * then on.
 *
 * <p>If all ranks of the session take their steps together, they exchange their times after the last of these steps.
 * Otherwise an exchange would make them wait for each other: then rank 0 judges by its own times.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread of the steps.
 * </dl>
 */
public final class StepWatch implements StepObserver {

    /** The first steps load classes, and are compiled. */
    static final int NOT_MEASURED = 5;

    static final int MEASURED = 10;

    private static final long NONE = -1;

    private final Session session;
    private final StartupTable table;
    private final boolean together;
    private final Consumer<String> log;
    private final long[] stepNanos = new long[MEASURED];
    private final long[] dataNanos = new long[MEASURED];
    private final long[] waitNanos = new long[MEASURED];
    private long beganAt = NONE;
    private long endedAt;
    private long waited;
    private int steps;
    private long bytesBefore;
    private long networkBytesBefore;

    /**
     * Creates the watch of one rank.
     *
     * @param session of all ranks that train
     * @param together whether all of them take each step together
     * @param log takes the line, on rank 0
     */
    public StepWatch(Session session, StartupTable table, boolean together, Consumer<String> log) {
        this.log = log;
        this.session = session;
        this.table = table;
        this.together = together;
    }

    @Override
    public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
        if (isDone()) {
            return;
        }
        if (beganAt == NONE) {
            beganAt = beginNanos;
        }
        if (phase == StepPhase.BEFORE || phase == StepPhase.REDUCE || phase == StepPhase.AFTER) {
            waited += endNanos - beginNanos;
        }
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        if (isDone() || total.examples() == 0) {
            return;
        }
        long now = System.nanoTime();
        int measured = steps - NOT_MEASURED;
        if (measured >= 0) {
            stepNanos[measured] = now - endedAt;
            dataNanos[measured] = Math.max(0, beganAt - endedAt);
            waitNanos[measured] = waited;
        }
        steps++;
        if (steps == NOT_MEASURED) {
            bytesBefore = bytesSent;
            networkBytesBefore = session.networkBytesSent();
        }
        beganAt = NONE;
        waited = 0;
        if (isDone()) {
            judge(bytesSent);
        }
        endedAt = System.nanoTime();
    }

    private boolean isDone() {
        return steps == NOT_MEASURED + MEASURED;
    }

    private void judge(long bytesSent) {
        boolean isRoot = session.world().isRoot();
        if (!together && !isRoot) {
            return;
        }
        StepCosts own = new StepCosts(
                session.world().rank(),
                median(stepNanos),
                median(dataNanos),
                median(waitNanos),
                (bytesSent - bytesBefore) / MEASURED,
                (session.networkBytesSent() - networkBytesBefore) / MEASURED);
        List<StepCosts> all = together ? exchange(own) : List.of(own);
        if (isRoot) {
            log.accept("after " + (NOT_MEASURED + MEASURED) + " steps, by the last " + MEASURED + ": "
                    + StepVerdict.of(table, all));
        }
    }

    private List<StepCosts> exchange(StepCosts own) {
        byte[] text = FactLines.costs(own).getBytes(StandardCharsets.UTF_8);
        return session.exchange("times of the first steps", text).stream()
                .filter(bytes -> bytes.length > 0)
                .map(bytes -> FactLines.parseCosts(new String(bytes, StandardCharsets.UTF_8)))
                .toList();
    }

    private static long median(long[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
