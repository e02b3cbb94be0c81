package io.gyre.dl4j.learning;

import io.gyre.OptionRange;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The linear scaling rule with gradual warm-up: a batch that is k times as large takes k times the learning rate, and
 * reaches it step by step.
 *
 * <pre>{@code
 * rate(t) = schedule(t) * (1 + (k - 1) * min(1, t / warmUpSteps))
 * }</pre>
 *
 * <p>Step 0 has the rate of the wrapped schedule, and every step from {@code warmUpSteps} on has k times that. Goyal et
 * al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017, sections 2.1 and 2.2, warm up for five
 * epochs. To begin at 0 instead, wrap this schedule, without warm-up, in ND4J's {@code RampSchedule}.
 *
 * @param schedule the rate of the batch that it was chosen for
 * @param factor k: the batch of all ranks together, divided by the batch that the schedule was chosen for
 * @param warmUpSteps steps until the whole factor counts; 0 for no warm-up
 */
public record LinearScaling(
        @JsonProperty("schedule") ISchedule schedule,
        @JsonProperty("factor") double factor,
        @JsonProperty("warmUpSteps") int warmUpSteps)
        implements ISchedule {

    @JsonCreator
    public LinearScaling {
        Coefficient.positive("factor", factor);
        OptionRange.check("warmUpSteps", warmUpSteps, 0, Integer.MAX_VALUE);
    }

    /** Scales a constant rate. */
    public LinearScaling(double rate, double factor, int warmUpSteps) {
        this(new FixedSchedule(rate), factor, warmUpSteps);
    }

    @Override
    public double valueAt(int iteration, int epoch) {
        double progress = iteration >= warmUpSteps ? 1 : (double) iteration / warmUpSteps;
        return schedule.valueAt(iteration, epoch) * (1 + (factor - 1) * progress);
    }

    @Override
    public LinearScaling clone() {
        return new LinearScaling(schedule.clone(), factor, warmUpSteps);
    }
}
