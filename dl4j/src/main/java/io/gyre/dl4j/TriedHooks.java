package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes with hooks that report how much of the gradients is complete, once the first pass has shown the hooks to be
 * correct.
 */
final class TriedHooks {

    private static final Logger LOG = LoggerFactory.getLogger(TriedHooks.class);

    private final Replica replica;
    private final boolean logs;
    private boolean tried;
    private boolean work;

    /**
     * Prepares the hooks.
     *
     * @param logs whether this rank logs it if they are not correct, which is the same on all ranks
     */
    TriedHooks(Replica replica, boolean logs) {
        this.replica = replica;
        this.logs = logs;
    }

    /**
     * Runs a pass over examples; returns its loss.
     *
     * @param pass reports to its argument, if that is not null, and returns the loss
     */
    double run(ToDoubleFunction<@Nullable GradientProgress> pass, GradientProgress progress) {
        if (!tried) {
            return tryThem(pass);
        }
        return pass.applyAsDouble(work ? progress : null);
    }

    private double tryThem(ToDoubleFunction<@Nullable GradientProgress> pass) {
        FinalityCheck check =
                new FinalityCheck(replica.gradients(), replica.elementType().bytes(), replica::fetch);
        double loss = pass.applyAsDouble(check);
        String objection = check.objection();
        tried = true;
        work = objection.isEmpty();
        if (!work && logs) {
            LOG.info("Gradients are exchanged after each backward pass, and not during it: {}", objection);
        }
        return loss;
    }
}
