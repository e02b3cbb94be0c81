package io.gyre.dl4j;

import io.gyre.allreduce.DirectCollective;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A network's parameters in memory of which the ranks of a host have one copy. Each updates its chunk there, in place;
 * while it does not, it has parameters of its own.
 *
 * <dl>
 *   <dt>Order
 *   <dd>{@link #enter} on all ranks together; in each step {@link #beginUpdate} and {@link #finishUpdate}; {@link #leave}
 *       on all ranks between two updates, or on any of them when it has failed.
 *   <dt>Who may write
 *   <dd>A rank its chunk, between two meetings of all: nobody reads parameters then.
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Ownership
 *   <dd>The memory is borrowed, and in use from {@link #enter} to {@link #leave}.
 * </dl>
 */
final class SharedParameters {

    private static final String USER = "Deeplearning4j's parameters";

    private static final int LINE_BYTES = 128;

    private final DirectCollective sharers;
    private final Region memory;
    private final MovedParameters parameters;
    private final UpdateMarks marks;
    private boolean used;

    private SharedParameters(DirectCollective sharers, Region memory, MovedParameters parameters, UpdateMarks marks) {
        this.sharers = sharers;
        this.memory = memory;
        this.parameters = parameters;
        this.marks = marks;
    }

    /**
     * Allocates the memory. All ranks that share it call it together.
     *
     * @param opened closes it
     * @return null, on all of them, if there is none
     */
    static @Nullable SharedParameters allocate(Network network, DirectCollective sharers, Opened opened) {
        INDArray own = network.parameterVector();
        int rank = sharers.world().rank();
        int ranks = sharers.world().size();
        long bytes = own.length() * own.dataType().width();
        long marksAt = (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
        MemoryBox box = sharers.allocateOnce("parameters", marksAt + UpdateMarks.bytes(ranks));
        if (box == null) {
            return null;
        }
        Region region = box.region();
        INDArray shared = SharedGradients.arrayOver(region, own);
        if (shared == null) {
            box.close();
            return null;
        }
        opened.onClose(box::close);
        return new SharedParameters(
                sharers,
                region,
                new MovedParameters(network, shared),
                new UpdateMarks(region.slice(marksAt, UpdateMarks.bytes(ranks)), rank, ranks));
    }

    /** Whether the network's parameters are there. */
    boolean areUsed() {
        return used;
    }

    /** Moves the parameters there. All ranks call it together, and have the same. */
    void enter() {
        memory.enter(USER);
        try {
            if (sharers.world().isRoot()) {
                parameters.other().assign(parameters.own());
            }
            sharers.barrier(0);
        } catch (RuntimeException | Error e) {
            memory.exit();
            throw e;
        }
        parameters.useOther();
        used = true;
    }

    /** This rank begins to write its chunk. */
    void beginUpdate() {
        marks.begin();
    }

    /** This rank has written its chunk. */
    void finishUpdate() {
        marks.finish();
    }

    /**
     * Gives the network its own memory again, with the present values; or with NaN if a part of the ranks has failed in
     * the middle of an update: what is there then is of no step. Does nothing if the parameters are not there.
     *
     * @return whether they are whole
     */
    boolean leave() {
        if (!used) {
            return true;
        }
        used = false;
        parameters.own().assign(parameters.other());
        boolean whole = marks.areEqual();
        if (!whole) {
            parameters.own().assign(Double.NaN);
        }
        parameters.useOwn();
        memory.exit();
        return whole;
    }
}
