package io.gyre.training;

import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import org.jspecify.annotations.Nullable;

/**
 * Ranks update their own replicas, and synchronise their parameters fragment by fragment. Whatever is done with the
 * parameters, {@link FragmentSync} does; this says when, and with which weights: a rank counts by the examples that it
 * has taken since the last time.
 *
 * <p>All ranks take each step together, even those without examples, so that all synchronise after the same steps.
 */
final class LocalExchange implements ParameterExchange {

    /** Bucket number of frames that carry no gradients. */
    private static final int NO_BUCKET = -1;

    private final Collective all;
    private final LocalSettings settings;
    private final FragmentSync sync;
    private final long[] ownExamples;
    private final long[] allExamples;
    private long lastStep;

    /** A fragment whose sum has begun; null if there is none. */
    private @Nullable Span begun;

    private Region part = Region.allocate("nothing", 0);
    private boolean summed;

    /**
     * Creates the exchange of one rank.
     *
     * @param all collective of all ranks; borrowed
     */
    LocalExchange(Collective all, LocalSettings settings) {
        this.all = all;
        this.settings = settings;
        sync = settings.isMean() && settings.delay() == 0 ? new ParameterMean() : new OuterUpdate(all, settings);
        ownExamples = new long[settings.fragments()];
        allExamples = new long[settings.fragments()];
    }

    @Override
    public String checkpointObstacle() {
        return LocalSteps.CHECKPOINT_OBSTACLE;
    }

    @Override
    public void start(TrainableModel model) {
        long bytes = model.bucketPlan().elements() * model.elementType().bytes();
        if (model.parameters().byteLength() != bytes) {
            throw new IllegalArgumentException("local steps average parameters of " + model.elementType() + ", and "
                    + bytes + " bytes of those would be " + model.parameters().byteLength()
                    + " here: train in FLOAT or DOUBLE");
        }
        sync.start(model);
    }

    @Override
    public long resume(TrainableModel model, long step) {
        sync.begin(model);
        return step;
    }

    @Override
    public boolean exchangesDuringPass() {
        return settings.delay() > 0;
    }

    @Override
    public void during(TrainableModel model, long step) {
        sum(model, step);
    }

    @Override
    public void after(TrainableModel model, StepSummary total, long step) {
        lastStep = step;
        end(model, step);
        if (!settings.isLocal(step)) {
            if (settings.isLocal(step + 1)) {
                sync.begin(model);
            }
            return;
        }
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            ownExamples[fragment] += total.reports().get(all.world().rank()).examples();
            allExamples[fragment] += total.examples();
        }
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            if (settings.isDue(fragment, step)) {
                begin(model, fragment);
            }
        }
        if (settings.delay() == 0) {
            end(model, step);
        }
    }

    private void begin(TrainableModel model, int fragment) {
        begun = settings.fragment(fragment, model.bucketPlan().elements());
        part = sync.part(model, begun, (double) ownExamples[fragment] / allExamples[fragment]);
        summed = false;
        ownExamples[fragment] = 0;
        allExamples[fragment] = 0;
    }

    private void sum(TrainableModel model, long step) {
        if (begun != null && !summed) {
            if (all.world().size() > 1) {
                all.allReduce(part, model.elementType(), ReduceOp.SUM, step, NO_BUCKET);
            }
            summed = true;
        }
    }

    private void end(TrainableModel model, long step) {
        Span fragment = begun;
        if (fragment != null) {
            sum(model, step);
            sync.apply(model, fragment);
            begun = null;
        }
    }

    @Override
    public void finish(TrainableModel model) {
        end(model, lastStep);
        for (int fragment = 0; fragment < settings.fragments(); fragment++) {
            if (allExamples[fragment] > 0) {
                begin(model, fragment);
                end(model, lastStep);
            }
        }
    }
}
