package io.gyre.training;

import io.gyre.session.Session;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes one rank through its steps, the same way with every strategy:
 *
 * <ol>
 *   <li><i>before</i>: the {@link ParameterExchange} brings the parameters with which to compute,
 *   <li><i>backward</i>: the rank computes the sums of its gradients,
 *   <li><i>reduce</i>: the {@link GradientReduction} replaces them, bucket by bucket, by the sums over all ranks in
 *       step; during the pass, as far as that tells which are complete, or after it,
 *   <li><i>check</i>: all in step tell each other what they have, and fail together if it does not agree,
 *   <li><i>apply</i>: the exchange has them applied by the model's updater, or made ready for a server,
 *   <li><i>after</i>: it exchanges the result,
 *   <li><i>end</i>: the model counts the step.
 * </ol>
 *
 * <p>A rank that takes its steps alone does nothing in a step for which it has no examples, and its gradients are not
 * touched by a reduction. Ranks in step all compute, reduce and check, also those without examples; if nobody has any,
 * that is all.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread. With overlap another one reduces, from the constructor to {@link #close}, but only while this
 *       computes or waits for it.
 *   <dt>Ownership
 *   <dd>Everything is borrowed.
 *   <dt>Failure
 *   <dd>As of the strategy and the work. A failed step cannot be repeated.
 * </dl>
 */
public final class StepDriver implements AutoCloseable {

    private static final long NONE = -1;

    private final Session session;
    private final UpdateStrategy strategy;
    private final GradientReduction reduction;
    private final ParameterExchange exchange;
    private final StepModel model;
    private final StepObserver[] observers;
    private final boolean together;
    private final BucketReducer reducer;
    private final @Nullable OverlappedReduction duringPass;
    private long begun = NONE;

    /**
     * Creates the driver of one rank.
     *
     * @param session of all who train
     * @param overlap whether gradients are reduced during the backward pass; with several ranks in step only
     * @param observers hear of every step
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
        this.observers = observers.toArray(StepObserver[]::new);
        reduction = strategy.reduction();
        exchange = strategy.exchange();
        together = reduction.ranks(session.world()).size() > 1;
        reducer = new BucketReducer(reduction, model, this.observers);
        duringPass = overlap && together
                ? new OverlappedReduction(reducer, model, session.world().rank())
                : null;
    }

    /** Gives this rank its first state. All ranks call it together. */
    public void start() {
        exchange.start(model);
        reduction.start(model);
        strategy.started();
    }

    /**
     * Begins or continues at this rank's step {@code step}. All ranks call it together.
     *
     * @return the step at which it really goes on: a later one on a restarted rank
     */
    public long resume(long step) {
        begun = NONE;
        return exchange.resume(model, step);
    }

    /**
     * Takes a step.
     *
     * @return what all in step brought; if that is no examples, nothing was updated
     */
    public StepSummary step(StepWork work, long step) {
        if (together || work.examples() > 0) {
            before(step);
        }
        StepSummary total = check(work, gradients(work, step), step);
        if (total.examples() > 0) {
            apply(total, step);
        }
        if (observers.length > 0) {
            long bytes = session.bytesSent();
            for (StepObserver observer : observers) {
                observer.stepEnded(step, total, bytes);
            }
        }
        return total;
    }

    /** A step that was begun and not taken, because nobody had examples for it, comes again under the same number. */
    private void before(long step) {
        if (step == begun) {
            return;
        }
        begun = step;
        long begin = System.nanoTime();
        exchange.before(model, step);
        ended(StepPhase.BEFORE, step, begin);
        model.parametersChanged();
    }

    private double gradients(StepWork work, long step) {
        long begin = System.nanoTime();
        OverlappedReduction overlapped = duringPass;
        double loss;
        if (overlapped == null) {
            loss = work.backward(null);
            ended(StepPhase.BACKWARD, step, begin);
            if (together) {
                reduce(work.examples(), step);
            }
            return loss;
        }
        loss = work.backward(overlapped.begin(work.examples(), step));
        begin = ended(StepPhase.BACKWARD, step, begin);
        overlapped.finish();
        ended(StepPhase.REDUCE, step, begin);
        model.endReduction();
        return loss;
    }

    /** Reduces one bucket while the next is on its way from a device, and the one before on its way back. */
    private void reduce(long examples, long step) {
        List<Bucket> buckets = model.bucketPlan().buckets();
        for (Bucket bucket : buckets) {
            model.complete(bucket, examples);
        }
        model.beginReduction();
        long begin = System.nanoTime();
        HostAccess access = model.hostAccess();
        for (Bucket bucket : buckets) {
            reducer.reduce(bucket, access, step);
        }
        ended(StepPhase.REDUCE, step, begin);
        model.endReduction();
    }

    private StepSummary check(StepWork work, double loss, long step) {
        long begin = System.nanoTime();
        StepSummary total = reduction.summarise(work.report(loss), step);
        work.check(total);
        ended(StepPhase.CHECK, step, begin);
        return total;
    }

    private void apply(StepSummary total, long step) {
        long begin = System.nanoTime();
        if (together) {
            model.reduced(total);
        }
        exchange.apply(model, total, step);
        begin = ended(StepPhase.APPLY, step, begin);
        exchange.after(model, total, step);
        begin = ended(StepPhase.AFTER, step, begin);
        model.parametersChanged();
        model.endStep(total);
        ended(StepPhase.END, step, begin);
    }

    /** Returns the end. */
    private long ended(StepPhase phase, long step, long begin) {
        long end = System.nanoTime();
        for (StepObserver observer : observers) {
            observer.phaseEnded(step, phase, begin, end);
        }
        return end;
    }

    /** Ends the steps of a call; afterwards all ranks have the same parameters. All ranks call it together. */
    public void finish() {
        exchange.finish(model);
        model.parametersChanged();
        for (StepObserver observer : observers) {
            observer.stepsEnded(exchange.maxStaleness());
        }
    }

    /** Ends the thread, if there is one, in the middle of a reduction if it must be. A second call does nothing. */
    @Override
    public void close() {
        if (duringPass != null) {
            duringPass.close();
        }
    }
}
