package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.Member;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceProvider;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.FiniteCheck;
import io.gyre.device.GradientSum;
import io.gyre.device.StagedExchange;
import io.gyre.device.StagedGradients;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.HostAccess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's gradients on a GPU. Copies them to the memory where ranks reduce them, and back, without ND4J's own copies,
 * which copy the whole vector to memory that is not shared. A bucket is copied as soon as it is complete; during the
 * backward pass, if hooks report that. What needs no other rank stays on the GPU: the sum over micro-batches, and the
 * search for NaN and infinities.
 *
 * <p>Confined to the thread that runs the passes, except {@link #accessOfAnotherThread}. Not run on a GPU yet; see
 * {@code docs/gpu.md}.
 */
final class DeviceGradients implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DeviceGradients.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final Devices devices;
    private final int ordinal;
    private final int elementBytes;
    private final Device device;
    private final StagedGradients staged;
    private final GradientSum passes;
    private final FiniteCheck finite;
    private final GradientMemory memory;
    private final List<DeviceStream> computes = new ArrayList<>();
    private @Nullable DeviceBuffer vector;
    private @Nullable ThreadAccess ownAccess;
    private boolean open;

    /** Where a backend keeps an array, and in which streams it computes. Called on the thread that runs the passes. */
    interface GradientMemory {
        /** Ordinal of the device. */
        int device(INDArray array);

        /**
         * Address of the first element on the device, which then holds the latest values. May wait for pending
         * operations.
         */
        long address(INDArray array);

        /** Makes sure, during a pass, that the device holds the latest values of a part, in stream order. */
        void refresh(INDArray array, long byteOffset, long byteLength);

        /** Handles of the streams in which the calling thread's operations run. */
        long[] streams();

        /** Records that others write a part of the device's copy; work already enqueued in the streams waits for it. */
        void written(INDArray array, long byteOffset, long byteLength);
    }

    /** Devices, and a backend that computes on them. */
    record Source(Devices devices, GradientMemory memory) {

        /**
         * ND4J CUDA and Gyre's own driver; null if gradients are not on a device that Gyre can reach, with the reason
         * logged once per host.
         */
        static @Nullable Source find(Session session) {
            if (Nd4j.getEnvironment().isCPU()) {
                return null;
            }
            for (DeviceProvider provider : DeviceProvider.all()) {
                if (provider.name().equals("cuda")) {
                    return new Source(provider.open(), new Nd4jCudaMemory());
                }
            }
            List<Member> members = session.members();
            Member own = members.get(session.world().rank());
            if (isFirstOfItsHost(own, members)) {
                LOG.warn(
                        "gyre-cuda is not on the class path of {}: ND4J copies all gradients to the host and back in every"
                                + " step",
                        own);
            }
            return null;
        }

        static boolean isFirstOfItsHost(Member own, List<Member> members) {
            return members.stream()
                    .noneMatch(
                            other -> other.rank() < own.rank() && other.host().equals(own.host()));
        }
    }

    /**
     * Prepares the copies, and tunes the device's kernels.
     *
     * @param source its devices are closed with this object
     * @param rank of the model, for the log
     * @param host where ranks reduce gradients
     */
    DeviceGradients(int rank, Source source, INDArray gradients, Region host, ElementType type, BucketPlan plan) {
        devices = source.devices();
        memory = source.memory();
        elementBytes = type.bytes();
        ordinal = memory.device(gradients);
        device = devices.open(ordinal);
        staged = new StagedGradients(device, host, type, plan, TIMEOUT);
        passes = new GradientSum(device, type, TIMEOUT);
        finite = new FiniteCheck(device, type, TIMEOUT);
        LOG.info(
                "the gradients of rank {} go from {} to the memory that ranks combine them in, in {} buckets",
                rank,
                device.info(),
                plan.buckets().size());
        LOG.info("{}", device.tuneKernels());
    }

    /** The memory on the host. */
    Region region() {
        return staged.region();
    }

    /** Begins a step, before its pass or at the end of it. */
    void open(INDArray gradients) {
        if (!open) {
            locate(gradients);
            open = true;
        }
    }

    /** Finds the device's copy, with the latest values, and the streams that compute. */
    private void locate(INDArray gradients) {
        long address = memory.address(gradients);
        if (vector == null || vector.address() != address) {
            if (vector != null) {
                vector.close();
            }
            vector = device.view("gradients", address, staged.region().byteLength());
        }
        long[] handles = memory.streams();
        if (!sameStreams(handles)) {
            computes.forEach(DeviceStream::close);
            computes.clear();
            for (long handle : handles) {
                computes.add(device.viewStream("ND4J's", handle));
            }
        }
    }

    private boolean sameStreams(long[] handles) {
        boolean same = handles.length == computes.size();
        for (int i = 0; same && i < handles.length; i++) {
            same = computes.get(i).handle() == handles[i];
        }
        return same;
    }

    private DeviceBuffer vector() {
        if (vector == null) {
            throw new IllegalStateException("the step has not begun");
        }
        return vector;
    }

    /** Starts the copy of one bucket, ordered after the operations that compute it. */
    void beginBucket(INDArray gradients, int bucket) {
        open(gradients);
        Bucket part = staged.plan().buckets().get(bucket);
        memory.refresh(gradients, part.offset() * elementBytes, part.length() * elementBytes);
        staged.beginBucket(vector(), computes, bucket);
    }

    /** Starts the copies of all buckets, ordered after the operations that compute them. */
    void begin(INDArray gradients) {
        open(gradients);
        staged.begin(vector(), computes);
    }

    /** Copies a part to the host and waits for it, outside the exchange, for inspection. */
    void fetch(INDArray gradients, long byteOffset, long byteLength) {
        open(gradients);
        memory.refresh(gradients, byteOffset, byteLength);
        staged.fetch(vector(), computes, byteOffset, byteLength);
    }

    /** Access for the thread that runs the passes, for exchanges after a pass. */
    HostAccess access() {
        if (ownAccess == null) {
            ownAccess = new ThreadAccess(null, staged.exchange(device));
        }
        return ownAccess;
    }

    /** Access for the calling thread, for exchanges during a pass; uses that thread's own device object. */
    HostAccess accessOfAnotherThread() {
        Device own = devices.open(ordinal);
        return new ThreadAccess(own, staged.exchange(own));
    }

    /** Makes the reduced gradients visible to all later ND4J operations. */
    void end(INDArray gradients) {
        if (open) {
            staged.end(computes);
            memory.written(gradients, 0, vector().byteLength());
            open = false;
        }
    }

    /** Whether all elements are finite. Waits for the answer. */
    boolean areFinite(INDArray gradients) {
        locate(gradients);
        return finite.isFinite(vector(), computes);
    }

    /** The sum over micro-batches, in ND4J's streams. */
    EarlierPasses earlierPasses() {
        return new OnDevice();
    }

    @Override
    public void close() {
        if (ownAccess != null) {
            ownAccess.close();
        }
        staged.close();
        passes.close();
        finite.close();
        computes.forEach(DeviceStream::close);
        if (vector != null) {
            vector.close();
        }
        device.close();
        devices.close();
    }

    /** Sums beside the gradients, in memory of the device that ND4J does not know. */
    private final class OnDevice implements EarlierPasses {

        @Override
        public void start(INDArray gradients) {
            locate(gradients);
            passes.start(vector(), computes);
        }

        @Override
        public void add(INDArray gradients) {
            locate(gradients);
            passes.add(vector(), computes);
        }

        @Override
        public void addTo(INDArray gradients, long from, long to) {
            if (!open) {
                locate(gradients);
            }
            long offset = from * elementBytes;
            long length = (to - from) * elementBytes;
            memory.refresh(gradients, offset, length);
            passes.addTo(vector(), computes, offset, length);
            memory.written(gradients, offset, length);
        }
    }

    /** The access of one thread. */
    private record ThreadAccess(@Nullable Device own, StagedExchange exchange) implements HostAccess {

        @Override
        public void await(int bucket) {
            exchange.await(bucket);
        }

        @Override
        public void copyBack(int bucket) {
            exchange.copyBack(bucket);
        }

        @Override
        public void close() {
            exchange.close();
            if (own != null) {
                own.close();
            }
        }
    }
}
