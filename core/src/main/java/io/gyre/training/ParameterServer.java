package io.gyre.training;

/**
 * Training with parameters on servers: each rank pushes its mean gradients and pulls the parameters that the servers
 * have updated with all ranks' gradients, as far as possible without waiting for others. How far ranks may run apart,
 * and the optimiser, are up to the store; the model's own updater is not used.
 */
public final class ParameterServer implements UpdateStrategy {

    private final GradientReduction reduction = new NoReduction();
    private final ParameterExchange exchange;
    private final String description;

    /**
     * Creates the strategy for one rank.
     *
     * @param store borrowed
     * @param description settings of the store, the same on all ranks
     */
    public ParameterServer(ParameterStore store, String description) {
        exchange = new PushPull(store);
        this.description = name() + ", " + description;
    }

    @Override
    public String name() {
        return "paramserver";
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public GradientReduction reduction() {
        return reduction;
    }

    @Override
    public ParameterExchange exchange() {
        return exchange;
    }
}
