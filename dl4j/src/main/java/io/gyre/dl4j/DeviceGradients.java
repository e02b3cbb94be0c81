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
 * Copies a model's gradients from a GPU to the memory where ranks reduce them, and back, without ND4J's own copies,
 * which copy the whole vector to memory that is not shared. A bucket is copied as soon as it is complete; during the
 * backward pass, if hooks report that.
 *
 * <p>Confined to the thread that runs the passes, except {@link #accessOfAnotherThread}. Not run on a GPU yet; see
 * {@code docs/gpu.md}.
 */
final class DeviceGradients implements GradientPlace {

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
    private INDArray gradients;
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
     * @param rank of the model, for the log
     * @param source borrowed
     * @param host where ranks reduce gradients; borrowed
     */
    DeviceGradients(int rank, Source source, INDArray gradients, Region host, BucketPlan plan) {
        this.gradients = gradients;
        devices = source.devices();
        memory = source.memory();
        ElementType type = HostMemory.elementType(gradients);
        elementBytes = type.bytes();
        ordinal = memory.device(gradients);
        device = devices.open(ordinal);
        try {
            staged = new StagedGradients(device, host, type, plan, TIMEOUT);
            passes = new GradientSum(device, type, TIMEOUT);
            finite = new FiniteCheck(device, type, TIMEOUT);
            LOG.info("{}", device.tuneKernels());
        } catch (RuntimeException | Error e) {
            device.close();
            throw e;
        }
        LOG.info(
                "the gradients of rank {} are copied from {} to the memory in which ranks reduce them, in {} buckets",
                rank,
                device.info(),
                plan.buckets().size());
    }

    @Override
    public Region region() {
        return staged.region();
    }

    @Override
    public void replaced(INDArray newGradients) {
        gradients = newGradients;
    }

    @Override
    public boolean isStaged() {
        return true;
    }

    /** Begins a step, before its pass or at the end of it. */
    @Override
    public void beginPass() {
        if (!open) {
            locate();
            open = true;
        }
    }

    /** Finds the device's copy, with the latest values, and the streams that compute. */
    private void locate() {
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
    @Override
    public void beginReduction(int bucket) {
        beginPass();
        Bucket part = staged.plan().buckets().get(bucket);
        memory.refresh(gradients, part.offset() * elementBytes, part.length() * elementBytes);
        staged.beginBucket(vector(), computes, bucket);
    }

    /** Starts the copies of all buckets, ordered after the operations that compute them. */
    @Override
    public void beginReduction() {
        beginPass();
        staged.begin(vector(), computes);
    }

    /** Copies the part and waits for it. */
    @Override
    public void fetch(long byteOffset, long byteLength) {
        beginPass();
        memory.refresh(gradients, byteOffset, byteLength);
        staged.fetch(vector(), computes, byteOffset, byteLength);
    }

    @Override
    public HostAccess access() {
        if (ownAccess == null) {
            ownAccess = new ThreadAccess(null, staged.exchange(device));
        }
        return ownAccess;
    }

    /** Uses a device object of the calling thread. */
    @Override
    public HostAccess accessOfAnotherThread() {
        Device own = devices.open(ordinal);
        return new ThreadAccess(own, staged.exchange(own));
    }

    /** Makes the reduced gradients visible to all later ND4J operations. */
    @Override
    public void endReduction() {
        if (open) {
            staged.end(computes);
            memory.written(gradients, 0, vector().byteLength());
            open = false;
        }
    }

    @Override
    public boolean areFinite() {
        locate();
        return finite.isFinite(vector(), computes);
    }

    /** The sum over micro-batches, in ND4J's streams. */
    @Override
    public EarlierPasses earlierPasses() {
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
    }

    /** Sums beside the gradients, in memory of the device that ND4J does not know. */
    private final class OnDevice implements EarlierPasses {

        @Override
        public void start(INDArray ofPass) {
            locate();
            passes.start(vector(), computes);
        }

        @Override
        public void add(INDArray ofPass) {
            locate();
            passes.add(vector(), computes);
        }

        @Override
        public void addTo(INDArray ofPass, long from, long to) {
            if (!open) {
                locate();
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
