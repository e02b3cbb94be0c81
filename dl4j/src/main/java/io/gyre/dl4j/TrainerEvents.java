package io.gyre.dl4j;

import io.gyre.session.Session;
import io.gyre.training.StepDriver;
import io.gyre.training.StepObservers;
import io.gyre.training.StepPhase;
import io.gyre.training.StepPlace;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/**
 * Tells a trainer's observers what the driver of a step does not see: loading, epochs, memory, other ranks, and
 * failures. Used by the thread that trains.
 */
final class TrainerEvents {

    private static final long MEMORY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Session session;
    private final StepPlace place;
    private final StepObservers observers;
    private final boolean listened;
    private final boolean[] ended;
    private final int[] incarnations;
    private long memoryNanos = System.nanoTime() - MEMORY_NANOS;

    /**
     * Creates the events of one rank.
     *
     * @param session of all ranks that train
     * @param driver whose observers are told
     * @param listened whether a program observes: otherwise no clock is read
     */
    TrainerEvents(Session session, StepDriver driver, boolean listened) {
        this.session = session;
        this.listened = listened;
        place = driver.place();
        observers = driver.observers();
        int ranks = session.world().size();
        ended = new boolean[ranks];
        incarnations = new int[ranks];
        for (int rank = 0; rank < ranks; rank++) {
            ended[rank] = session.hasEnded(rank);
            incarnations[rank] = session.incarnation(rank);
        }
    }

    /** Runs a call of {@code fit} that begins with a step. */
    <T> T during(long step, Supplier<T> call) {
        place.begin(step);
        try {
            return call.get();
        } catch (RuntimeException | Error e) {
            long position = place.position();
            observers.trainingFailed(position < 0 ? step : StepPlace.stepAt(position), e);
            throw e;
        } finally {
            place.leave();
        }
    }

    void epochBegan(long step, int epoch) {
        observers.epochBegan(step, epoch);
    }

    /** The next share of a pass, for this step. */
    Share load(Pass pass, long step) {
        place.enter(step, StepPhase.LOAD);
        if (!listened) {
            return pass.next(step);
        }
        long begin = System.nanoTime();
        observers.phaseBegan(step, StepPhase.LOAD, begin);
        Share share = pass.next(step);
        observers.phaseEnded(step, StepPhase.LOAD, begin, System.nanoTime());
        return share;
    }

    /** A step was taken and counted. */
    void stepDone(long step) {
        if (!listened) {
            return;
        }
        lookAtMembers(step);
        long now = System.nanoTime();
        if (now - memoryNanos >= MEMORY_NANOS) {
            memoryNanos = now;
            Runtime runtime = Runtime.getRuntime();
            observers.memoryUsed(step, runtime.totalMemory() - runtime.freeMemory(), Pointer.physicalBytes());
        }
    }

    private void lookAtMembers(long step) {
        for (int rank = 0; rank < ended.length; rank++) {
            int incarnation = session.incarnation(rank);
            if (incarnation != incarnations[rank]) {
                incarnations[rank] = incarnation;
                ended[rank] = false;
                observers.memberReturned(step, session.members().get(rank));
            }
            boolean now = session.hasEnded(rank);
            if (now && !ended[rank]) {
                observers.memberEnded(step, session.members().get(rank));
            }
            ended[rank] = now;
        }
    }
}
