package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.openblas.FastKernels;
import io.gyre.paramserver.CopyMessage.TrainedState;
import org.jspecify.annotations.Nullable;

/** A shard of parameters in training: turns pushes into updates as its consistency requires. */
final class TrainedShard {

    private final ElementType type;
    private final Region parameters;
    private final Training training;
    private final long offset;
    private final ServerOptimizer optimizer;
    private final ClockTable clocks;
    private final Kernels kernels = FastKernels.choose();

    /** For combined steps: the weighted sum of the pushes of the current step. */
    private final @Nullable Region sum;

    /** For delay compensation: each worker's last pull. */
    private final @Nullable Region[] pulled;

    /** For gradients that come encoded. */
    private final @Nullable PushCodec codec;

    /** What was decoded last. */
    private final @Nullable Region decoded;

    /** For checkpoints. */
    private @Nullable Region slotCopy;

    private final StalenessCounter staleness = new StalenessCounter();
    private double examplesInSum;
    private long stepOfSum;
    private long updates;
    private int epoch;

    /**
     * Starts training.
     *
     * @param parameters borrowed
     * @param offset of the parameters in the whole vector, in elements
     */
    TrainedShard(ElementType type, Region parameters, long offset, Training training, int workers) {
        this.type = type;
        this.parameters = parameters;
        this.training = training;
        this.offset = offset;
        clocks = new ClockTable(workers);
        optimizer = training.optimizer().create(type, offset, parameters.byteLength() / type.bytes());
        sum = training.consistency().combinesSteps() ? Region.allocate("sum of a step", parameters.byteLength()) : null;
        pulled = new Region[training.delayCompensation() > 0 ? workers : 0];
        codec = training.newPushCodec();
        decoded = codec == null ? null : Region.allocate("decoded gradient", parameters.byteLength());
    }

    /** Number of copies of a shard that a server holds for training, without the optimiser's state. */
    static int copies(Training training, int workers) {
        return 1
                + (training.consistency().combinesSteps() ? 1 : 0)
                + (training.delayCompensation() > 0 ? workers : 0)
                + (training.codecs() != null ? 1 : 0);
    }

    long updates() {
        return updates;
    }

    long slowest() {
        return clocks.slowest();
    }

    StalenessHistogram staleness() {
        return staleness.histogram();
    }

    boolean mayBegin(long step) {
        return training.consistency().mayBegin(step, clocks.slowest());
    }

    /** What is wrong with an encoded gradient of that length, or null. */
    @Nullable String objectionToEncoded(long bytes) {
        long length = parameters.byteLength();
        PushCodec decoder = codec;
        if (decoder == null) {
            return length + " bytes of data in no codec: the servers were started without one";
        }
        // A piece has at least a byte.
        long most = decoder.mostBytes(length / type.bytes());
        return bytes <= most && (bytes > 0 || (bytes == 0 && length == 0))
                ? null
                : "1 to " + most + " bytes of data in " + decoder.name() + ", not " + bytes;
    }

    /**
     * Decodes a gradient.
     *
     * @return valid until the next one is decoded; may be overwritten
     * @throws io.gyre.ProtocolException if the codec does not write such bytes; nothing has changed
     */
    Region decode(Region encoded, GradientOrigin origin) {
        PushCodec decoder = codec;
        Region gradient = decoded;
        if (decoder == null || gradient == null) {
            throw new IllegalStateException("a push of " + encoded + " was checked, and there is no codec");
        }
        decoder.decode(encoded, offset, origin.step(), gradient);
        return gradient;
    }

    /**
     * Processes a push.
     *
     * @param gradient mean over the worker's examples; overwritten
     */
    void push(int worker, Region gradient, GradientOrigin origin) {
        epoch = Math.max(epoch, origin.epoch());
        staleness.count(Math.max(0, origin.step() - origin.clock()));
        Region combined = sum;
        if (combined != null) {
            kernels.scale(type, gradient, (double) origin.examples());
            kernels.reduce(ReduceOp.SUM, type, combined, gradient);
            examplesInSum += origin.examples();
            stepOfSum = origin.step();
        } else {
            compensate(worker, gradient);
            long delay = Math.max(1, updates - origin.version());
            optimizer.update(parameters, gradient, updates, epoch, training.scaledByDelay() ? 1.0 / delay : 1);
            updates++;
        }
        clocks.applied(worker, origin.step());
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

    /** Applies the sum of a step once no push is missing. */
    private void endStep() {
        Region combined = sum;
        if (combined == null || examplesInSum == 0 || clocks.slowest() <= stepOfSum) {
            return;
        }
        kernels.scale(type, combined, 1 / examplesInSum);
        optimizer.update(parameters, combined, updates, epoch, 1);
        updates++;
        combined.clear();
        examplesInSum = 0;
    }

    /** Records the parameters that a worker computes with from now on. */
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

    /** The sum of the pushes of the current step; null if steps are not combined. */
    @Nullable Region sum() {
        return sum;
    }

    /** Its figures, without vectors. */
    TrainedState state() {
        return new TrainedState(
                updates, epoch, examplesInSum, stepOfSum, clocks.clocks(), clocks.finished(), staleness.histogram());
    }

    /** Continues from the figures of another copy. */
    void restore(TrainedState state) {
        updates = state.updates();
        epoch = state.epoch();
        examplesInSum = state.examplesInSum();
        stepOfSum = state.stepOfSum();
        clocks.restore(state.clocks(), state.finished());
        staleness.restore(state.staleness());
    }

    int slots() {
        return training.optimizer().slots();
    }

    boolean hasSlot(int slot) {
        return slot >= 0 && slot < slots();
    }

    /** A copy of a slot of the optimiser, valid until the next one. */
    Region slot(int slot) {
        Region copy = slotCopy;
        if (copy == null) {
            copy = Region.allocate("slot of an optimiser", parameters.byteLength());
            slotCopy = copy;
        }
        optimizer.readSlot(slot, copy);
        return copy;
    }

    /** Copies a slot of the optimiser. */
    void readSlot(int slot, Region into) {
        optimizer.readSlot(slot, into);
    }

    void writeSlot(int slot, Region from) {
        optimizer.writeSlot(slot, from);
    }

    /** The training continues that of an earlier run, after so many updates. */
    void countFrom(long earlier) {
        updates = earlier;
    }

    /** Answers a request that is neither a push nor a pull, and changes this training. */
    Reply answer(int worker, Request.OfTraining<?> request) {
        if (request instanceof Request.Rejoin rejoin) {
            return new Reply.Rejoined(rejoin(worker, rejoin.step()));
        }
        if (request instanceof Request.Finish) {
            finish(worker);
        } else if (request instanceof Request.Resume resume) {
            resume(worker, resume.step());
        } else if (request instanceof Request.CountFrom count) {
            countFrom(count.updates());
        } else {
            throw new IllegalStateException("no handling for " + request);
        }
        return new Reply.Done();
    }

    /** A worker pushes no more, because it has finished or is lost. */
    void finish(int worker) {
        clocks.finish(worker);
        endStep();
    }

    /** A worker was restarted. Returns the step at which it continues: see {@link ClockTable#rejoin}. */
    long rejoin(int worker, long step) {
        return clocks.rejoin(worker, step);
    }

    /** A worker continues. */
    void resume(int worker, long step) {
        clocks.resume(worker, step);
    }
}
