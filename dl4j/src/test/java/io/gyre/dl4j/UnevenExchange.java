package io.gyre.dl4j;

import io.gyre.session.Session;
import io.gyre.training.GenerationStrategy;
import io.gyre.training.GradientReduction;
import io.gyre.training.ParameterExchange;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import io.gyre.training.UpdateStrategy;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;

/**
 * A strategy whose exchange reaches some processes only: after a given step, in the first generation, the process of
 * rank 0 is lost, that of rank 1 has changed its parameters, and that of rank 2 has not.
 *
 * @param lossAfter the step
 */
record UnevenExchange(long lossAfter) implements GenerationStrategy {

    private static final long TO_BE_READ_NANOS = 300_000_000;

    @Override
    public UpdateStrategy begin(Synchronous inGroup, Session session, boolean hasState, IntSupplier calls) {
        System.out.println("generation begins, state " + hasState + ", calls " + calls.getAsInt());
        int rank = hasState ? -1 : session.world().rank();
        ParameterExchange exchange = new ParameterExchange() {
            @Override
            public void after(TrainableModel model, StepSummary total, long step) {
                if (step != lossAfter) {
                    return;
                }
                if (rank == 0) {
                    // The others have its report by then.
                    LockSupport.parkNanos(TO_BE_READ_NANOS);
                    System.out.println("halts at the exchange");
                    Runtime.getRuntime().halt(137);
                } else if (rank == 1) {
                    model.parameters().putFloat(0, 0.5f);
                }
            }
        };
        return new UpdateStrategy() {
            @Override
            public String name() {
                return "uneven";
            }

            @Override
            public GradientReduction reduction() {
                return inGroup.reduction();
            }

            @Override
            public ParameterExchange exchange() {
                return exchange;
            }
        };
    }

    @Override
    public void end() {
        System.out.println("generation ends");
    }
}
