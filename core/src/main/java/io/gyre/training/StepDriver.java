package io.gyre.training;

import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Drives one rank through its steps, in the same way with every strategy:
 *
 * <ol>
 *   <li><i>before</i>: the {@link ParameterExchange} fetches the parameters to compute with,
 *   <li><i>backward</i>: the rank computes the sums of its gradients; a process with several seats, one after the
 *       other,
 *   <li><i>reduce</i>: the {@link GradientReduction} replaces them, bucket by bucket, with the sums over all ranks in
 *       step; during the pass, as far as it reports which are complete, or after it,
 *   <li><i>check</i>: all ranks in step share their reports, and fail together if these do not agree,
 *   <li><i>apply</i>: the exchange lets the model's updater apply them, or prepares them for a server,
 *   <li><i>after</i>: it exchanges the result,
 *   <li><i>end</i>: the model counts the step.
 * </ol>
 *
 * <p>A rank that takes its steps alone exchanges nothing in a step for which it has no examples, and no reduction
 * touches its gradients. Ranks in step all compute, reduce and check, even without examples; if no rank has any, the
 * step ends there. If the sums have {@link StepSummary#skipped overflowed}, nothing is applied, and the step is
 * counted. In a {@linkplain GradientReduction#isLocal local} step gradients are reduced only over the ranks whose
 * replicas are equal; what they apply, and by how many examples they divide, is theirs. If they have none, their
 * parameters stay as they are.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread. With overlap, a second thread reduces, from the constructor to {@link #close}, but only while the
 *       first computes or waits for it.
 *   <dt>Ownership
 *   <dd>Everything is borrowed.
 *   <dt>Failure
 *   <dd>As for the strategy and the work. A failed step cannot be repeated. An observer that fails fails no step.
 * </dl>
 */
public final class StepDriver implements AutoCloseable {

    private static final long NONE = -1;

    private final Session session;
    private final UpdateStrategy strategy;
    private final GradientReduction reduction;
    private final ParameterExchange exchange;
    private final StepModel model;
    private final StepObservers observers;
    private final StepPlace place = new StepPlace();
    private final boolean together;
    private final List<Integer> equalRanks;
    private final int seats;
    private final double[] losses;
    private final BucketReducer reducer;
    private final Bucket allInOne;
    private final @Nullable OverlappedReduction duringPass;
    private long begun = NONE;
    private long applied = NONE;
    private @Nullable StepSummary lastApplied;

    /**
     * Creates the driver of one rank.
     *
     * @param session of all ranks that train; if any process holds several of them, the strategy must {@linkplain
     *     GradientReduction#coversSeats cover seats}
     * @param overlap whether gradients are reduced during the backward pass; only with several ranks in step
     * @param observers called in every step
     */
    public StepDriver(
            Session session,
            UpdateStrategy strategy,
            StepModel model,
            boolean overlap,
            List<? extends StepObserver> observers) {
        this.session = session;
        this.strategy = strategy;
        this.model = model;
        this.observers = new StepObservers(observers);
        reduction = strategy.reduction();
        exchange = strategy.exchange();
        together = reduction.ranks(session.world()).size() > 1;
        equalRanks = List.copyOf(reduction.equalRanks(session.world()));
        seats = session.seats().size();
        losses = new double[seats];
        reducer = new BucketReducer(reduction, model, this.observers);
        allInOne = new Bucket(
                0,
                0,
                model.bucketPlan().buckets().stream().mapToLong(Bucket::length).sum());
        duringPass = overlap && together
                ? new OverlappedReduction(
                        reducer, exchange, model, session.world().rank())
                : null;
    }

    /** Sets this rank's initial state, that of rank 0. All ranks call it together. */
    public void start() {
        start(0, true);
    }

    /**
     * Sets this rank's initial state. All ranks call it together.
     *
     * @param source the replica that has it, see {@link GradientReduction#start}
     * @param transfer whether any other lacks it; if not, nothing is sent
     */
    public void start(int source, boolean transfer) {
        exchange.start(model);
        if (transfer) {
            reduction.start(model, source);
        }
        strategy.started();
    }

    /** What servers hold of the training; null if it is all in the replicas. */
    public @Nullable ServerState serverState() {
        return exchange.serverState();
    }

    /** Gives the ranks in step with this one the state of the first of them. They call it together. */
    public void shareState() {
        reduction.start(model, 0);
        model.parametersChanged();
    }

    /**
     * Whether the update of a step has been applied, also if a listener failed after it: a step is repeated only if its
     * update has not.
     */
    public boolean hasApplied(long step) {
        return applied >= step;
    }

    /** The reports on the last step whose update was applied; null before the first. */
    public @Nullable StepSummary lastApplied() {
        return lastApplied;
    }

    /**
     * Begins or continues at this rank's step {@code step}. All ranks call it together.
     *
     * @return the step at which it actually continues: a later one for a restarted worker
     */
    public long resume(long step) {
        begun = NONE;
        return exchange.resume(model, step);
    }

    /**
     * Takes a step.
     *
     * @return the reports of all ranks in step; without examples, nothing was updated
     */
    public StepSummary step(StepWork work, long step) {
        if (together || work.examples() > 0) {
            before(step);
        }
        StepSummary total = check(work, gradients(work, step), step);
        if (total.examples() > 0) {
            apply(total, step);
        }
        if (!observers.isEmpty()) {
            observers.stepEnded(step, total, session.bytesSent());
        }
        place.stepEnded();
        return total;
    }

    /** A step that was begun but not taken, because no rank had examples for it, is repeated under the same number. */
    private void before(long step) {
        if (step == begun) {
            return;
        }
        begun = step;
        long begin = began(StepPhase.BEFORE, step, System.nanoTime());
        exchange.before(model, step);
        if (duringPass == null) {
            exchange.during(model, step);
        }
        ended(StepPhase.BEFORE, step, begin);
        model.parametersChanged();
    }

    private double gradients(StepWork work, long step) {
        long begin = began(StepPhase.BACKWARD, step, System.nanoTime());
        if (seats > 1) {
            keepAllButTheLast(work);
        }
        OverlappedReduction overlapped = duringPass;
        if (overlapped != null) {
            return gradients(work, overlapped, step, begin);
        }
        double loss = work.backward(null);
        ended(StepPhase.BACKWARD, step, begin);
        if (reduces(step)) {
            reduce(work.examples(), step);
        }
        return loss;
    }

    private double gradients(StepWork work, OverlappedReduction overlapped, long step, long beginOfPass) {
        boolean reduces = reduces(step);
        boolean exchanges = exchange.exchangesDuringPass();
        if (exchanges) {
            overlapped.beginExchange(step);
        }
        double loss = work.backward(reduces ? overlapped.begin(work.examples(), step) : null);
        long begin = ended(StepPhase.BACKWARD, step, beginOfPass);
        if (!reduces && !exchanges) {
            return loss;
        }
        began(StepPhase.REDUCE, step, begin);
        if (exchanges) {
            overlapped.finishExchange();
        }
        if (reduces) {
            overlapped.finish();
        }
        ended(StepPhase.REDUCE, step, begin);
        if (reduces) {
            model.endReduction();
        }
        return loss;
    }

    /** Whether gradients of several ranks are added up. */
    private boolean reduces(long step) {
        return reduction.isLocal(step) ? equalRanks.size() > 1 : together;
    }

    /** The reports of the ranks that apply the same gradients as this one. */
    private StepSummary ofEqualRanks(StepSummary total, long step) {
        return reduction.isLocal(step) && equalRanks.size() < total.reports().size() ? total.of(equalRanks) : total;
    }

    /** Computes seat by seat in the same memory. What follows is about the last. */
    private void keepAllButTheLast(StepWork work) {
        List<Bucket> buckets = model.bucketPlan().buckets();
        for (int seat = 0; seat < seats - 1; seat++) {
            work.seat(seat);
            losses[seat] = work.backward(null);
            for (Bucket bucket : buckets) {
                model.complete(bucket, work.examples());
            }
            model.beginReduction();
            reduction.keep(model, seat);
            model.endReduction();
        }
        work.seat(seats - 1);
    }

    /** Reduces one bucket while the next is being copied from a device, and the previous one back. */
    private void reduce(long examples, long step) {
        List<Bucket> buckets = model.bucketPlan().buckets();
        for (Bucket bucket : buckets) {
            model.complete(bucket, examples);
        }
        model.beginReduction();
        long begin = began(StepPhase.REDUCE, step, System.nanoTime());
        if (model.reduceOwnChunk(step)) {
            observers.bucketReduced(step, allInOne, begin, System.nanoTime());
        } else {
            HostAccess access = model.hostAccess();
            for (Bucket bucket : buckets) {
                reducer.reduce(bucket, access, step);
            }
        }
        ended(StepPhase.REDUCE, step, begin);
        model.endReduction();
    }

    private StepSummary check(StepWork work, double loss, long step) {
        long begin = began(StepPhase.CHECK, step, System.nanoTime());
        StepSummary total = seats == 1
                ? reduction.summarise(work.report(loss), step)
                : reduction.summarise(reports(work, loss), step);
        work.check(total);
        ended(StepPhase.CHECK, step, begin);
        return total;
    }

    private List<StepReport> reports(StepWork work, double ofLast) {
        losses[seats - 1] = ofLast;
        List<StepReport> reports = new ArrayList<>(seats);
        for (int seat = 0; seat < seats; seat++) {
            work.seat(seat);
            reports.add(work.report(losses[seat]));
        }
        return reports;
    }

    private void apply(StepSummary total, long step) {
        long begin = began(StepPhase.APPLY, step, System.nanoTime());
        StepSummary own = ofEqualRanks(total, step);
        if (reduces(step) && own.examples() > 0) {
            model.reduced(own);
        }
        if (!total.skipped() && own.examples() > 0) {
            exchange.apply(model, own, step);
        }
        applied = step;
        lastApplied = total;
        begin = began(StepPhase.AFTER, step, ended(StepPhase.APPLY, step, begin));
        exchange.after(model, total, step);
        begin = began(StepPhase.END, step, ended(StepPhase.AFTER, step, begin));
        long staleness = exchange.lastStaleness();
        if (staleness >= 0) {
            observers.pushed(step, staleness);
        }
        model.parametersChanged();
        model.endStep(total);
        ended(StepPhase.END, step, begin);
    }

    /** Returns the time at which it begins. */
    private long began(StepPhase phase, long step, long now) {
        place.enter(step, phase);
        observers.phaseBegan(step, phase, now);
        return now;
    }

    /** Returns the end time. */
    private long ended(StepPhase phase, long step, long begin) {
        long end = System.nanoTime();
        observers.phaseEnded(step, phase, begin, end);
        return end;
    }

    /** Who observes the steps. */
    public StepObservers observers() {
        return observers;
    }

    /** Where this rank is in its step; any thread may look. */
    public StepPlace place() {
        return place;
    }

    /** Ends a sequence of steps; afterwards all ranks have the same parameters. All ranks call it together. */
    public void finish() {
        exchange.finish(model);
        model.parametersChanged();
        observers.stepsEnded(exchange.maxStaleness());
    }

    /** Ends the thread, if there is one, even in the middle of a reduction. A second call does nothing. */
    @Override
    public void close() {
        if (duringPass != null) {
            duringPass.close();
        }
    }
}
