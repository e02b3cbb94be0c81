package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.Collectives;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceProvider;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedExchange;
import io.gyre.device.StagedGradients;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A rank whose gradients are on its device. They are computed bucket by bucket and copied at once, while a second
 * thread reduces earlier buckets. Compares the result with the same steps on the host, bit for bit.
 */
final class ExchangeProgram {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int STEPS = 5;

    private ExchangeProgram() {}

    public static void main(String[] arguments) throws InterruptedException {
        System.load(arguments[0]);
        int rank = Integer.parseInt(arguments[1]);
        JoinOptions join = JoinOptions.builder(rank, 2, arguments[2])
                .transport(TransportMode.SHM)
                .build();
        BucketPlan plan = BucketPlan.of(List.of(10_000L, 70_003L, 500L, 3L), 16_384);
        long bytes = plan.elements() * Float.BYTES;
        try (Session session = AeronSession.join(join);
                Devices devices = DeviceProvider.all().get(0).open();
                Device device = devices.open(rank);
                DeviceStream compute = device.stream("compute");
                DeviceBuffer gradients = device.allocate("gradients", bytes);
                DeviceBuffer scratch = device.allocate("scratch", bytes);
                Collective collective = Collectives.choose(session.endpoint())) {
            Region result = Region.allocate("result", bytes);
            try (MemoryBox box = collective.allocate("gradients", bytes);
                    StagedGradients staged =
                            new StagedGradients(device, box.region(), ElementType.FLOAT32, plan, PATIENCE);
                    PinnedMemory pinned = device.pin(result)) {
                result.copyFrom(0, gradients(rank, plan), 0, bytes);
                compute.copyToDevice(pinned, 0, gradients, 0, bytes);
                train(
                        staged,
                        gradients,
                        scratch,
                        compute,
                        new Combining(devices, rank, collective, staged, box.region()));
                compute.copyToHost(gradients, 0, pinned, 0, bytes);
                compute.await(PATIENCE, "the last step");
            }
            compare(result, plan);
            System.out.println("equal to the host, through " + session.transport());
        }
        FakeDriver.assertNothingIsLeft();
    }

    private static void train(
            StagedGradients staged,
            DeviceBuffer gradients,
            DeviceBuffer scratch,
            DeviceStream compute,
            Combining combining)
            throws InterruptedException {
        Thread thread = new Thread(combining, "combining");
        thread.start();
        List<DeviceStream> computes = List.of(compute);
        int rank = compute.device().info().ordinal();
        for (int step = 0; step < STEPS; step++) {
            for (Bucket bucket : staged.plan().buckets()) {
                rotate(compute, gradients, scratch, bucket, 1 + rank);
                staged.beginBucket(gradients, computes, bucket.index());
                combining.ready.release();
            }
            if (!combining.done.tryAcquire(staged.plan().buckets().size(), PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("step " + step + " was not combined", combining.failure.get());
            }
            staged.end(computes);
        }
        combining.ended.release();
        thread.join(PATIENCE.toMillis());
        if (combining.failure.get() != null) {
            throw new AssertionError(combining.failure.get());
        }
    }

    /** Computes gradients: rotates the elements of a bucket by some places towards the front. */
    private static void rotate(
            DeviceStream compute, DeviceBuffer gradients, DeviceBuffer scratch, Bucket bucket, long places) {
        long at = bucket.offset() * 4;
        long head = places % bucket.length() * 4;
        long tail = bucket.length() * 4 - head;
        compute.copy(gradients, at, scratch, at, head + tail);
        compute.copy(scratch, at + head, gradients, at, tail);
        compute.copy(scratch, at, gradients, at + tail, head);
    }

    /** The thread that reduces, with its own device object for the same GPU. */
    private record Combining(
            Devices devices,
            int ordinal,
            Collective collective,
            StagedGradients staged,
            Region box,
            Semaphore ready,
            Semaphore done,
            Semaphore ended,
            AtomicReference<Throwable> failure)
            implements Runnable {

        Combining(Devices devices, int ordinal, Collective collective, StagedGradients staged, Region box) {
            this(
                    devices,
                    ordinal,
                    collective,
                    staged,
                    box,
                    new Semaphore(0),
                    new Semaphore(0),
                    new Semaphore(0),
                    new AtomicReference<>());
        }

        @Override
        public void run() {
            try (Device device = devices.open(ordinal);
                    StagedExchange exchange = staged.exchange(device)) {
                for (int step = 0; step < STEPS; step++) {
                    for (Bucket bucket : staged.plan().buckets()) {
                        ready.acquire();
                        exchange.await(bucket.index());
                        Region part = box.slice(bucket.offset() * 4, bucket.length() * 4);
                        collective.allReduce(part, ElementType.FLOAT32, ReduceOp.SUM, step, bucket.index());
                        exchange.copyBack(bucket.index());
                        done.release();
                    }
                }
                ended.acquire();
            } catch (Exception | Error e) {
                failure.set(e);
            }
        }
    }

    private static Region gradients(int rank, BucketPlan plan) {
        Region region = Region.allocate("gradients", plan.elements() * 4);
        SplittableRandom random = new SplittableRandom(rank);
        for (long i = 0; i < region.byteLength(); i += 4) {
            region.putFloat(i, (float) (random.nextDouble() - 0.5));
        }
        return region;
    }

    private static void compare(Region result, BucketPlan plan) {
        for (Bucket bucket : plan.buckets()) {
            float[] first = of(gradients(0, plan), bucket);
            float[] second = of(gradients(1, plan), bucket);
            for (int step = 0; step < STEPS; step++) {
                float[] sum = new float[first.length];
                for (int i = 0; i < sum.length; i++) {
                    sum[i] = first[(i + 1) % sum.length] + second[(i + 2) % sum.length];
                }
                first = sum;
                second = sum;
            }
            float[] actual = of(result, bucket);
            for (int i = 0; i < actual.length; i++) {
                if (Float.floatToRawIntBits(actual[i]) != Float.floatToRawIntBits(first[i])) {
                    throw new AssertionError(
                            "element " + i + " of " + bucket + " is " + actual[i] + ", not " + first[i]);
                }
            }
        }
    }

    private static float[] of(Region vector, Bucket bucket) {
        float[] values = new float[(int) bucket.length()];
        for (int i = 0; i < values.length; i++) {
            values[i] = vector.getFloat((bucket.offset() + i) * 4);
        }
        return values;
    }
}
