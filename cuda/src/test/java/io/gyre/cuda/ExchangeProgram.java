package io.gyre.cuda;

import io.gyre.Bucket;
import io.gyre.BucketPlan;
import io.gyre.ElementType;
import io.gyre.MemoryBox;
import io.gyre.ReduceOp;
import io.gyre.Region;
import io.gyre.Session;
import io.gyre.allreduce.Collectives;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceProvider;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedCollective;
import io.gyre.device.StagedGradients;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/** A rank whose gradients lie on its device. Compares what comes of them with the same steps on the host, bit for bit. */
final class ExchangeProgram {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int STEPS = 5;

    private ExchangeProgram() {}

    public static void main(String[] arguments) {
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
                StagedCollective collective = new StagedCollective(Collectives.choose(session.endpoint()))) {
            Region result = Region.allocate("result", bytes);
            try (MemoryBox box = collective.allocate("gradients", bytes);
                    StagedGradients staged =
                            new StagedGradients(device, box.region(), ElementType.FLOAT32, plan, PATIENCE);
                    PinnedMemory pinned = device.pin(result)) {
                collective.attach(staged);
                Region own = gradients(rank, plan);
                result.copyFrom(0, own, 0, bytes);
                compute.copyToDevice(pinned, 0, gradients, 0, bytes);
                for (int step = 0; step < STEPS; step++) {
                    device.kernels().scale(compute, ElementType.FLOAT32, gradients, 0, plan.elements(), 0.7 + rank);
                    staged.begin(gradients, compute);
                    for (Bucket bucket : plan.buckets()) {
                        Region part = box.region().slice(bucket.offset() * 4, bucket.length() * 4);
                        collective.allReduce(part, ElementType.FLOAT32, ReduceOp.SUM, step, bucket.index());
                    }
                    staged.end(compute);
                }
                compute.copyToHost(gradients, 0, pinned, 0, bytes);
                compute.await(PATIENCE, "the last step");
                collective.attach(null);
            }
            compare(result, plan);
            System.out.println("equal to the host, through " + session.transport());
        }
        FakeDriver.assertNothingIsLeft();
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
        Region first = gradients(0, plan);
        Region second = gradients(1, plan);
        for (long i = 0; i < result.byteLength(); i += 4) {
            float a = first.getFloat(i);
            float b = second.getFloat(i);
            for (int step = 0; step < STEPS; step++) {
                float sum = a * 0.7f + b * 1.7f;
                a = sum;
                b = sum;
            }
            if (Float.floatToRawIntBits(result.getFloat(i)) != Float.floatToRawIntBits(a)) {
                throw new AssertionError("element " + i / 4 + " is " + result.getFloat(i) + ", not " + a);
            }
        }
    }
}
