package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.Member;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceProvider;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
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
 * A model's gradients on a GPU, taken to the memory where ranks combine them and back, without ND4J's own copies: those
 * are of the whole vector, to memory that is not shared. Buckets leave as soon as they are complete, during the
 * backward pass if somebody tells.
 *
 * <p>Belongs to the thread of the passes, but for {@link #accessOfAnotherThread}. Not run on a GPU yet; see {@code
 * docs/gpu.md}.
 */
final class DeviceGradients implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DeviceGradients.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final Devices devices;
    private final int ordinal;
    private final int elementBytes;
    private final Device device;
    private final StagedGradients staged;
    private final GradientMemory memory;
    private final List<DeviceStream> computes = new ArrayList<>();
    private @Nullable DeviceBuffer vector;
    private @Nullable ThreadAccess ownAccess;
    private boolean open;

    /** Where a backend keeps an array, and in which streams it computes. Called on the thread of the passes. */
    interface GradientMemory {
        /** Ordinal of the device. */
        int device(INDArray array);

        /**
         * Address of the first element on the device, which holds what was written last. May wait for what is under
         * way.
         */
        long address(INDArray array);

        /**
         * Sees to it, during a pass, that the device holds what was written last to a part, as far as the streams have
         * come.
         */
        void refresh(INDArray array, long byteOffset, long byteLength);

        /** Handles of the streams in which the calling thread's operations run. */
        long[] streams();

        /** Notes that the device's copy was written by somebody else; the streams wait until that is done. */
        void written(INDArray array);
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
     * Prepares the way.
     *
     * @param source its devices are closed with this
     * @param rank of the model, for the log
     * @param host where ranks combine gradients
     */
    DeviceGradients(int rank, Source source, INDArray gradients, Region host, ElementType type, BucketPlan plan) {
        devices = source.devices();
        memory = source.memory();
        elementBytes = type.bytes();
        ordinal = memory.device(gradients);
        device = devices.open(ordinal);
        staged = new StagedGradients(device, host, type, plan, TIMEOUT);
        LOG.info(
                "the gradients of rank {} go from {} to the memory that ranks combine them in, in {} buckets",
                rank,
                device.info(),
                plan.buckets().size());
    }

    /** The memory on the host. */
    Region region() {
        return staged.region();
    }

    /** Begins a step, before its pass or at its end. */
    void open(INDArray gradients) {
        if (open) {
            return;
        }
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
        open = true;
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

    /** Lets one bucket leave, after what computes it. */
    void beginBucket(INDArray gradients, int bucket) {
        open(gradients);
        Bucket part = staged.plan().buckets().get(bucket);
        memory.refresh(gradients, part.offset() * elementBytes, part.length() * elementBytes);
        staged.beginBucket(vector(), computes, bucket);
    }

    /** Lets all buckets leave, after what computes them. */
    void begin(INDArray gradients) {
        open(gradients);
        staged.begin(vector(), computes);
    }

    /** Brings a part to the host and waits for it, outside of the exchange: to look at it. */
    void fetch(INDArray gradients, long byteOffset, long byteLength) {
        open(gradients);
        memory.refresh(gradients, byteOffset, byteLength);
        staged.fetch(vector(), computes, byteOffset, byteLength);
    }

    /** Access of the thread of the passes, for exchanges after them. */
    HostAccess access() {
        if (ownAccess == null) {
            ownAccess = new ThreadAccess(null, staged.exchange(device));
        }
        return ownAccess;
    }

    /** Access of the calling thread, for exchanges during the passes: with a device of that thread's. */
    HostAccess accessOfAnotherThread() {
        Device own = devices.open(ordinal);
        return new ThreadAccess(own, staged.exchange(own));
    }

    /** Lets what ND4J computes from now on see the combined gradients. */
    void end(INDArray gradients) {
        if (open) {
            staged.end(computes);
            memory.written(gradients);
            open = false;
        }
    }

    @Override
    public void close() {
        if (ownAccess != null) {
            ownAccess.close();
        }
        staged.close();
        computes.forEach(DeviceStream::close);
        if (vector != null) {
            vector.close();
        }
        device.close();
        devices.close();
    }

    /** One thread's. */
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
