package io.gyre.training;

/**
 * Training with parameters on servers: each rank pushes its mean gradients and pulls the parameters that the servers
 * have updated with all ranks' gradients, as far as possible without waiting for others. How far ranks may run apart,
 * and the optimiser, are up to the store; the model's own updater is not used.
 */
public final class ParameterServer extends ComposedStrategy {

    /**
     * Creates the strategy for one rank.
     *
     * @param store borrowed
     * @param description settings of the store, the same on all ranks
     */
    public ParameterServer(ParameterStore store, String description) {
        super("paramserver", "paramserver, " + description, new NoReduction(), new PushPull(store));
    }
}
