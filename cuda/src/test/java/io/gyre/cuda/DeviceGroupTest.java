package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.allreduce.Collectives;
import io.gyre.allreduce.HierarchicalCollective;
import io.gyre.allreduce.RingCollective;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.HierarchicalDeviceAllReduce;
import io.gyre.device.HostDevices;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedGroup;
import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import io.gyre.training.UpdateStrategy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks that own several devices each: all devices of all ranks get bit-identical results. */
class DeviceGroupTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final BucketPlan PLAN = BucketPlan.of(List.of(3000L, 9000L, 3L, 1L, 500L), 4096);
    private static final long BYTES = PLAN.elements() * Float.BYTES;
    private static final int STEPS = 3;

    /** The devices of one rank, each with its gradients. */
    private static final class Group implements AutoCloseable {
        final List<Device> devices = new ArrayList<>();
        final List<DeviceBuffer> vectors = new ArrayList<>();
        final List<DeviceStream> computes = new ArrayList<>();

        Group(Devices driver, int rank, int first, int count) {
            for (int i = 0; i < count; i++) {
                Device device = driver.open(first + i);
                DeviceStream compute = device.stream("compute");
                DeviceBuffer vector = device.allocate("gradients", BYTES);
                devices.add(device);
                computes.add(compute);
                vectors.add(vector);
                Region start = start(rank, i);
                try (PinnedMemory pin = device.pin(start)) {
                    compute.copyToDevice(pin, 0, vector, 0, BYTES);
                    compute.await(PATIENCE, "an upload");
                }
            }
        }

        /** Work that would be overtaken if an event were missing. */
        void compute() {
            for (int i = 0; i < devices.size(); i++) {
                devices.get(i)
                        .kernels()
                        .scale(computes.get(i), ElementType.FLOAT32, vectors.get(i), 0, PLAN.elements(), 0.5 + i);
            }
        }

        List<Region> download() {
            List<Region> all = new ArrayList<>();
            for (int i = 0; i < devices.size(); i++) {
                Region region = Region.allocate("result", BYTES);
                try (PinnedMemory pin = devices.get(i).pin(region)) {
                    computes.get(i).copyToHost(vectors.get(i), 0, pin, 0, BYTES);
                    computes.get(i).await(PATIENCE, "a download");
                }
                all.add(region);
            }
            return all;
        }

        @Override
        public void close() {
            vectors.forEach(DeviceBuffer::close);
            computes.forEach(DeviceStream::close);
            devices.forEach(Device::close);
        }
    }

    private static Region start(int rank, int device) {
        Region region = Region.allocate("gradients", BYTES);
        SplittableRandom random = new SplittableRandom(rank * 10L + device);
        for (long i = 0; i < BYTES; i += Float.BYTES) {
            region.putFloat(i, (float) (random.nextDouble() - 0.5));
        }
        return region;
    }

    /** The sums of two ranks, first over the devices of each in order: in float arithmetic, so the bits are known. */
    private static float[] expected(int... counts) {
        int n = (int) PLAN.elements();
        float[][][] vectors = new float[counts.length][][];
        for (int rank = 0; rank < counts.length; rank++) {
            vectors[rank] = new float[counts[rank]][n];
            for (int device = 0; device < counts[rank]; device++) {
                Region start = start(rank, device);
                for (int i = 0; i < n; i++) {
                    vectors[rank][device][i] = start.getFloat(i * 4L);
                }
            }
        }
        float[] sum = new float[n];
        for (int i = 0; i < n; i++) {
            for (int step = 0; step < STEPS; step++) {
                sum[i] = 0;
                for (int rank = 0; rank < counts.length; rank++) {
                    float ofRank = vectors[rank][0][i] * 0.5f;
                    for (int device = 1; device < counts[rank]; device++) {
                        ofRank += vectors[rank][device][i] * (0.5f + device);
                    }
                    sum[i] = rank == 0 ? ofRank : sum[i] + ofRank;
                }
                for (float[][] ofRank : vectors) {
                    for (float[] vector : ofRank) {
                        vector[i] = sum[i];
                    }
                }
            }
        }
        return sum;
    }

    private static void compare(List<List<Region>> results, float[] expected) {
        for (int rank = 0; rank < results.size(); rank++) {
            for (int device = 0; device < results.get(rank).size(); device++) {
                Region result = results.get(rank).get(device);
                for (int i = 0; i < expected.length; i++) {
                    float got = result.getFloat(i * 4L);
                    if (Float.floatToRawIntBits(got) != Float.floatToRawIntBits(expected[i])) {
                        throw new AssertionError("rank " + rank + ", device " + device + ", element " + i + ": " + got
                                + ", not " + expected[i]);
                    }
                }
            }
        }
    }

    private static List<List<Region>> run(
            Supplier<Devices> driver, Function<Session, Collective> collectives, int ofRank0, int ofRank1)
            throws InterruptedException {
        return Gyre.local(2).call(session -> {
            int rank = session.world().rank();
            int count = rank == 0 ? ofRank0 : ofRank1;
            try (Devices devices = driver.get();
                    Group group = new Group(devices, rank, rank == 0 ? 0 : ofRank0, count);
                    Collective collective = collectives.apply(session);
                    HierarchicalDeviceAllReduce allReduce = new HierarchicalDeviceAllReduce(
                            group.devices, collective, ElementType.FLOAT32, PLAN, PATIENCE)) {
                for (int step = 0; step < STEPS; step++) {
                    group.compute();
                    allReduce.sum(group.vectors, group.computes, step);
                }
                return group.download();
            }
        });
    }

    /** Slow streams, so that a missing event shows. */
    @ParameterizedTest
    @CsvSource({
        "1, 1, true",
        "2, 2, true",
        "3, 3, true",
        "4, 4, true",
        "1, 1, false",
        "2, 2, false",
        "3, 3, false",
        "4, 4, false",
        "1, 3, true",
        "4, 2, false"
    })
    void allDevicesOfTwoRanksHaveTheSameBits(int ofRank0, int ofRank1, boolean peers) throws Exception {
        FakeDriver.load(ofRank0 + ofRank1, peers, 200);

        List<List<Region>> results =
                run(CudaDevices::open, session -> Collectives.choose(session.endpoint()), ofRank0, ofRank1);

        compare(results, expected(ofRank0, ofRank1));
        FakeDriver.assertNothingIsLeft();
    }

    /** Below collectives by messages, and below collectives over several hosts. */
    @Test
    void theCollectiveAmongRanksMayBeAny() throws Exception {
        FakeDriver.load(4, true, 100);
        compare(run(CudaDevices::open, session -> new RingCollective(session.endpoint()), 2, 2), expected(2, 2));
        compare(
                run(CudaDevices::open, session -> new HierarchicalCollective(session.endpoint()), 2, 2),
                expected(2, 2));
        compare(
                run(() -> new HostDevices(4, false), session -> new RingCollective(session.endpoint()), 2, 2),
                expected(2, 2));
        FakeDriver.assertNothingIsLeft();
    }

    /** What a strategy sees of devices: one rank's gradients in host memory. */
    private record Model(Region gradients) implements TrainableModel {
        @Override
        public ElementType elementType() {
            return ElementType.FLOAT32;
        }

        @Override
        public BucketPlan bucketPlan() {
            return PLAN;
        }

        @Override
        public Region parameters() {
            return gradients;
        }

        @Override
        public int epoch() {
            return 0;
        }

        @Override
        public List<Region> state() {
            return List.of();
        }

        @Override
        public void update(StepSummary total) {
            throw new AssertionError("gradients are only reduced");
        }

        @Override
        public void averageGradients(StepSummary total) {
            throw new AssertionError("gradients are only reduced");
        }
    }

    /** A strategy reduces what a group of devices has summed, without knowing of the devices. */
    @Test
    void aStrategyTakesAGroupForOneRank() throws Exception {
        FakeDriver.load(4, true, 100);
        List<List<Region>> results = Gyre.local(2).call(session -> {
            int rank = session.world().rank();
            try (Devices devices = CudaDevices.open();
                    Group group = new Group(devices, rank, 2 * rank, 2);
                    Collective collective = Collectives.choose(session.endpoint())) {
                UpdateStrategy strategy = new Synchronous(collective);
                try (MemoryBox box = strategy.reduction().allocate(BYTES);
                        StagedGroup staged =
                                new StagedGroup(group.devices, box.region(), ElementType.FLOAT32, PLAN, PATIENCE)) {
                    Model model = new Model(box.region());
                    for (int step = 0; step < STEPS; step++) {
                        group.compute();
                        staged.begin(group.vectors, group.computes);
                        StepSummary total = strategy.reduction().summarise(StepReport.of(8, 1, false), step);
                        assertThat(total.examples()).isEqualTo(16);
                        for (Bucket bucket : PLAN.buckets()) {
                            staged.await(bucket.index());
                            strategy.reduction().reduce(model, bucket, step);
                            staged.copyBack(bucket.index());
                        }
                        staged.end(group.computes);
                    }
                }
                return group.download();
            }
        });
        compare(results, expected(2, 2));
        FakeDriver.assertNothingIsLeft();
    }
}
