package io.gyre.training;

/**
 * Training with parameters on servers: each rank pushes its mean gradients and pulls what the servers have made of everybody's,
 * as far as possible without waiting for others. How far ranks run apart, and the optimiser, are the store's affair; the model's
 * own updater rests.
 *
 * <p>Where the store allows it, the parameters of the next step are fetched while this one computes. They then lack this rank's
 * last push, and are one step older than they would be otherwise; the store's bound holds all the same.
 */
public final class Asynchronous implements UpdateStrategy {

    private static final long NONE = -1;

    private final ParameterStore store;
    private final String description;
    private long pulling = NONE;

    /**
     * Creates the strategy for one rank.
     *
     * @param store borrowed
     * @param description settings of the store, the same on all ranks
     */
    public Asynchronous(ParameterStore store, String description) {
        this.store = store;
        this.description = description;
    }

    @Override
    public String name() {
        return "paramserver";
    }

    @Override
    public String description() {
        return name() + ", " + description;
    }

    @Override
    public boolean keepsReplicasIdentical() {
        return false;
    }

    @Override
    public boolean inLockStep() {
        return false;
    }

    @Override
    public boolean updatesHere() {
        return false;
    }

    @Override
    public void start(TrainableModel model) {
        store.start(model.parameters());
    }

    @Override
    public long resume(TrainableModel model, long step) {
        pulling = NONE;
        return store.resume(step);
    }

    @Override
    public void beforeStep(TrainableModel model, long step) {
        if (pulling != step) {
            store.beginPull(step);
        }
        store.awaitPull(model.parameters());
        pulling = NONE;
        if (store.mayPullAhead()) {
            store.beginPull(step + 1);
            pulling = step + 1;
        }
    }

    @Override
    public StepSummary summarise(StepReport own, long step) {
        return StepSummary.alone(own);
    }

    @Override
    public void combine(TrainableModel model, StepSummary total, long step) {
        store.push(model.gradients(), step, total.examples(), model.epoch());
    }

    @Override
    public void finish(TrainableModel model) {
        store.finish(model.parameters());
        pulling = NONE;
    }

    @Override
    public long maxStaleness() {
        return store.maxStaleness();
    }
}
