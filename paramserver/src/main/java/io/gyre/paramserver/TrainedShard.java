package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.openblas.FastKernels;
import org.jspecify.annotations.Nullable;

/** A shard of parameters in training: turns pushes into updates as its consistency wants it. */
final class TrainedShard {

    private final ElementType type;
    private final Region parameters;
    private final Training training;
    private final ServerOptimizer optimizer;
    private final ClockTable clocks;
    private final Kernels kernels = FastKernels.choose();

    /** For steps that are combined: the weighted sum of the pushes of the step so far. */
    private final @Nullable Region sum;

    /** For delay compensation: what each worker has pulled last. */
    private final @Nullable Region[] pulled;

    private StalenessHistogram staleness = StalenessHistogram.EMPTY;
    private double sumOfWeights;
    private long stepOfSum;
    private long updates;
    private int epoch;

    /**
     * Begins to train.
     *
     * @param parameters borrowed
     * @param offset where in the whole vector they begin, in elements
     */
    TrainedShard(ElementType type, Region parameters, long offset, Training training, int workers) {
        this.type = type;
        this.parameters = parameters;
        this.training = training;
        clocks = new ClockTable(workers);
        optimizer = training.optimizer().create(type, offset, parameters.byteLength() / type.bytes());
        sum = training.consistency().combinesSteps() ? Region.allocate("sum of a step", parameters.byteLength()) : null;
        pulled = new Region[training.delayCompensation() > 0 ? workers : 0];
    }

    /** How many copies of a shard a server holds for its training, but for what the optimiser needs. */
    static int copies(Training training, int workers) {
        return 1 + (training.consistency().combinesSteps() ? 1 : 0) + (training.delayCompensation() > 0 ? workers : 0);
    }

    /** Updates that were applied. */
    long updates() {
        return updates;
    }

    long slowest() {
        return clocks.slowest();
    }

    StalenessHistogram staleness() {
        return staleness;
    }

    boolean mayBegin(long step) {
        return training.consistency().mayBegin(step, clocks.slowest());
    }

    /**
     * Takes a push.
     *
     * @param gradient mean over the worker's examples; overwritten
     */
    void push(int worker, Region gradient, Request request) {
        epoch = Math.max(epoch, request.epoch());
        staleness = staleness.plus(Math.max(0, request.step() - request.seenClock()));
        Region combined = sum;
        if (combined != null) {
            kernels.scale(type, gradient, (double) request.weight());
            Vectors.add(kernels, ReduceOp.SUM, type, combined, gradient);
            sumOfWeights += request.weight();
            stepOfSum = request.step();
        } else {
            compensate(worker, gradient);
            long delay = Math.max(1, updates - request.seen());
            optimizer.update(parameters, gradient, updates, epoch, training.scaledByDelay() ? 1.0 / delay : 1);
            updates++;
        }
        clocks.applied(worker, request.step());
        endStep();
    }

    private void compensate(int worker, Region gradient) {
        Region then = training.delayCompensation() > 0 ? pulled[worker] : null;
        if (then != null) {
            long elements = gradient.byteLength() / type.bytes();
            for (long i = 0; i < elements; i++) {
                double g = Vectors.get(type, gradient, i);
                double drift = Vectors.get(type, parameters, i) - Vectors.get(type, then, i);
                Vectors.put(type, gradient, i, g + training.delayCompensation() * g * g * drift);
            }
        }
    }

    /** Applies the sum of a step once nobody is missing in it. */
    private void endStep() {
        Region combined = sum;
        if (combined == null || sumOfWeights == 0 || clocks.slowest() <= stepOfSum) {
            return;
        }
        kernels.scale(type, combined, 1 / sumOfWeights);
        optimizer.update(parameters, combined, updates, epoch, 1);
        updates++;
        combined.clear();
        sumOfWeights = 0;
    }

    /** Notes what a worker computes with from now on. */
    void pulled(int worker) {
        if (training.delayCompensation() > 0) {
            Region copy = pulled[worker];
            if (copy == null) {
                copy = Region.allocate("parameters of worker " + worker, parameters.byteLength());
                pulled[worker] = copy;
            }
            Vectors.copy(copy, parameters);
        }
    }

    /** A worker pushes no more, because it has finished or died. */
    void finish(int worker) {
        clocks.finish(worker);
        endStep();
    }

    /** A worker that was lost has come back. Returns the step at which it goes on: see {@link ClockTable#rejoin}. */
    long rejoin(int worker, long step) {
        return clocks.rejoin(worker, step);
    }

    /** A worker goes on. */
    void resume(int worker, long step) {
        clocks.resume(worker, step);
    }
}
