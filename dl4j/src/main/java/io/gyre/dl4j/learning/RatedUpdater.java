package io.gyre.dl4j.learning;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** An updater's learning rate: a schedule, or a number if there is none. */
abstract class RatedUpdater implements IUpdater {

    @JsonProperty("learningRate")
    private double learningRate;

    @JsonProperty("learningRateSchedule")
    private @Nullable ISchedule learningRateSchedule;

    RatedUpdater(double learningRate, @Nullable ISchedule learningRateSchedule) {
        this.learningRate = learningRate;
        this.learningRateSchedule = learningRateSchedule;
    }

    final double learningRate() {
        return learningRate;
    }

    final @Nullable ISchedule learningRateSchedule() {
        return learningRateSchedule;
    }

    @Override
    public final double getLearningRate(int iteration, int epoch) {
        ISchedule schedule = learningRateSchedule;
        return schedule == null ? learningRate : schedule.valueAt(iteration, epoch);
    }

    @Override
    public final boolean hasLearningRate() {
        return true;
    }

    @Override
    public final void setLrAndSchedule(double rate, @Nullable ISchedule schedule) {
        learningRate = rate;
        learningRateSchedule = schedule;
    }

    @Override
    public abstract IUpdater clone();
}
