package io.gyre.training;

import org.jspecify.annotations.Nullable;

/**
 * Pushes gradients to a store, and pulls the parameters that it has updated with all workers' gradients.
 *
 * <p>If the store allows it, the parameters of the next step are fetched while this one computes. They then lack this
 * rank's last push, and are one step older than otherwise; the store's bound still holds.
 */
final class PushPull implements ParameterExchange {

    private static final long NONE = -1;

    private final ParameterStore store;
    private long pulling = NONE;

    /**
     * Creates the exchange of one rank.
     *
     * @param store borrowed
     */
    PushPull(ParameterStore store) {
        this.store = store;
    }

    @Override
    public String checkpointObstacle() {
        return store.serverState() == null ? OUT_OF_STEP : "";
    }

    @Override
    public @Nullable ServerState serverState() {
        return store.serverState();
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
    public void before(TrainableModel model, long step) {
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

    /** The model's own updater is not used. */
    @Override
    public void apply(TrainableModel model, StepSummary total, long step) {
        model.averageGradients(total);
    }

    @Override
    public void after(TrainableModel model, StepSummary total, long step) {
        store.push(model.gradients(), step, total.examples(), model.epoch());
    }

    @Override
    public void finish(TrainableModel model) {
        store.finish(model.parameters());
        pulling = NONE;
    }

    @Override
    public long lastStaleness() {
        return store.lastStaleness();
    }

    @Override
    public long maxStaleness() {
        return store.maxStaleness();
    }
}
