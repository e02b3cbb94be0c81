package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.ElementType;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.FiniteCheck;
import io.gyre.device.GradientSum;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedExchange;
import io.gyre.device.StagedGradients;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The contract of devices for gradients: copied to the host and back, summed over passes, and searched. */
abstract class DeviceGradientsContract extends OpenDevice {

    /** The host doubles each bucket, step after step; two buckets are copied before all are complete. */
    @Test
    final void gradientsGoToTheHostAndBackBucketByBucket() {
        BucketPlan plan = BucketPlan.of(List.of(1000L, 5000L, 300L, 20L), 1024);
        Region memory = host(plan.elements() * 4);
        Region start = host(plan.elements() * 4);
        fillRandomly(start, 3);
        DeviceStream compute = device.stream("compute");
        List<DeviceStream> computes = List.of(compute);
        DeviceBuffer gradients = upload(device, start);
        DeviceBuffer growth = upload(device, start);
        try (StagedGradients staged = new StagedGradients(device, memory, ElementType.FLOAT32, plan, PATIENCE);
                StagedExchange even = staged.exchange(device);
                StagedExchange odd = staged.exchange(device)) {
            for (int step = 0; step < 4; step++) {
                StagedExchange exchange = step % 2 == 0 ? even : odd;
                if (step < 2) {
                    plan.buckets().forEach(each -> grow(compute, gradients, growth, each));
                } else {
                    for (Bucket bucket : plan.buckets().subList(0, 2)) {
                        grow(compute, gradients, growth, bucket);
                        staged.beginBucket(gradients, computes, bucket.index());
                    }
                    plan.buckets()
                            .subList(2, plan.buckets().size())
                            .forEach(each -> grow(compute, gradients, growth, each));
                }
                staged.begin(gradients, computes);
                for (Bucket bucket : plan.buckets()) {
                    exchange.await(bucket.index());
                    twice(memory, bucket);
                    exchange.copyBack(bucket.index());
                }
                staged.end(computes);
            }
            compute.await(PATIENCE, "the last step");
            assertSame(download(device, gradients), grown(start, 4), "gradients");
            assertThatThrownBy(() -> staged.end(computes)).isInstanceOf(IllegalStateException.class);
        }
        growth.close();
        gradients.close();
        compute.close();
    }

    /** Changes the gradients of a bucket, as a pass would. */
    private static void grow(DeviceStream compute, DeviceBuffer gradients, DeviceBuffer growth, Bucket bucket) {
        long offset = bucket.offset() * 4;
        compute.device()
                .kernels()
                .sum(compute, ElementType.FLOAT32, gradients, offset, growth, offset, bucket.length());
    }

    private static void twice(Region memory, Bucket bucket) {
        new ScalarKernels().scale(ElementType.FLOAT32, memory.slice(bucket.offset() * 4, bucket.length() * 4), 2);
    }

    private static Region grown(Region start, int steps) {
        Region expected = host(start.byteLength());
        for (long i = 0; i < start.byteLength(); i += 4) {
            float value = start.getFloat(i);
            for (int step = 0; step < steps; step++) {
                value = (value + start.getFloat(i)) * 2;
            }
            expected.putFloat(i, value);
        }
        return expected;
    }

    /** A second thread reduces, with its own device object, while the first still computes the other buckets. */
    @Test
    final void anotherThreadCombinesWhileTheGradientsAreComputed() throws Exception {
        BucketPlan plan = BucketPlan.of(List.of(1000L, 5000L, 300L, 20L), 1024);
        int steps = 3;
        Region memory = host(plan.elements() * 4);
        Region start = host(plan.elements() * 4);
        fillRandomly(start, 5);
        DeviceStream compute = device.stream("compute");
        DeviceStream second = device.stream("compute too");
        List<DeviceStream> computes = List.of(compute, second);
        DeviceBuffer gradients = upload(device, start);
        DeviceBuffer growth = upload(device, start);
        Semaphore ready = new Semaphore(0);
        Semaphore done = new Semaphore(0);
        Semaphore ended = new Semaphore(0);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (StagedGradients staged = new StagedGradients(device, memory, ElementType.FLOAT32, plan, PATIENCE)) {
            Thread combining = new Thread(() -> failure.set(catchThrowable(() -> {
                try (Device own = devices.open(0);
                        StagedExchange exchange = staged.exchange(own)) {
                    done.release();
                    for (int i = 0; i < steps * plan.buckets().size(); i++) {
                        Bucket bucket = plan.buckets().get(i % plan.buckets().size());
                        assertThat(ready.tryAcquire(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                                .isTrue();
                        exchange.await(bucket.index());
                        twice(memory, bucket);
                        exchange.copyBack(bucket.index());
                        done.release();
                    }
                    assertThat(ended.tryAcquire(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                            .isTrue();
                }
            })));
            combining.start();
            assertThat(done.tryAcquire(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            for (int step = 0; step < steps; step++) {
                for (Bucket bucket : plan.buckets()) {
                    // The gradients of a layer may come from either stream.
                    grow(bucket.index() % 2 == 0 ? compute : second, gradients, growth, bucket);
                    staged.beginBucket(gradients, computes, bucket.index());
                    ready.release();
                }
                assertThat(done.tryAcquire(plan.buckets().size(), PATIENCE.toSeconds(), TimeUnit.SECONDS))
                        .isTrue();
                staged.end(computes);
            }
            ended.release();
            compute.await(PATIENCE, "the last step");
            second.await(PATIENCE, "the last step");
            combining.join(PATIENCE.toMillis());
        }
        assertThat(failure.get()).isNull();
        assertSame(download(device, gradients), grown(start, steps), "gradients");
        growth.close();
        gradients.close();
        second.close();
        compute.close();
    }

    @Test
    final void aBucketIsStagedOnceInAStep() {
        BucketPlan plan = BucketPlan.of(List.of(10L, 10L), 10);
        List<DeviceStream> computes = List.of(device.stream("compute"));
        DeviceBuffer gradients = device.allocate("gradients", 80);
        try (StagedGradients staged = new StagedGradients(device, host(80), ElementType.FLOAT32, plan, PATIENCE);
                StagedExchange exchange = staged.exchange(device)) {
            assertThatThrownBy(() -> exchange.await(0)).hasMessage("the copy of bucket 0 to the host has not begun");
            staged.beginBucket(gradients, computes, 0);
            assertThatThrownBy(() -> staged.beginBucket(gradients, computes, 0))
                    .hasMessage("the copy of bucket 0 to the host has begun before in this step");
            staged.begin(gradients, computes);
            exchange.await(0);
            exchange.await(1);
            exchange.copyBack(0);
            assertThatThrownBy(() -> exchange.copyBack(0)).hasMessage("bucket 0 was copied back before in this step");
            assertThatThrownBy(() -> staged.end(computes)).hasMessage("bucket 1 was not copied back");
            exchange.copyBack(1);
            staged.end(computes);
        }
        computes.get(0).await(PATIENCE, "the step");
        computes.get(0).close();
        gradients.close();
    }

    /** The sum is that of the host in the same order, and the last pass gets it part by part, from the end. */
    @Test
    final void passesAreSummedInTheirOrder() {
        int passes = 4;
        long bytes = 40_004;
        Region expected = host(bytes);
        try (DeviceStream compute = device.stream("compute");
                DeviceStream second = device.stream("compute too");
                DeviceBuffer gradients = device.allocate("gradients", bytes);
                GradientSum sum = new GradientSum(device, ElementType.FLOAT32, PATIENCE)) {
            List<DeviceStream> computes = List.of(compute, second);
            for (int batch = 0; batch < 2; batch++) {
                for (int pass = 0; pass < passes; pass++) {
                    Region ofPass = host(bytes);
                    fillRandomly(ofPass, 10L * batch + pass);
                    DeviceStream writer = pass % 2 == 0 ? second : compute;
                    try (PinnedMemory pin = device.pin(ofPass)) {
                        writer.copyToDevice(pin, 0, gradients, 0, bytes);
                        if (pass == 0) {
                            sum.start(gradients, computes);
                        } else if (pass < passes - 1) {
                            sum.add(gradients, computes);
                        } else {
                            sum.addTo(gradients, computes, 30_000, bytes - 30_000);
                            sum.addTo(gradients, computes, 0, 30_000);
                        }
                        writer.await(PATIENCE, "a pass");
                    }
                    addPass(expected, ofPass, pass, passes);
                }
                second.await(PATIENCE, "the last pass");
                assertSame(download(device, gradients), expected, "sum of passes");
            }
        }
    }

    private static void addPass(Region sum, Region ofPass, int pass, int passes) {
        for (long i = 0; i < sum.byteLength(); i += 4) {
            float own = ofPass.getFloat(i);
            float earlier = sum.getFloat(i);
            sum.putFloat(i, pass == 0 ? own : pass < passes - 1 ? earlier + own : own + earlier);
        }
    }

    @Test
    final void noPassIsAddedToASumThatHasNotStarted() {
        try (DeviceStream compute = device.stream("compute");
                DeviceBuffer gradients = device.allocate("gradients", 64);
                GradientSum sum = new GradientSum(device, ElementType.FLOAT32, PATIENCE)) {
            assertThatThrownBy(() -> sum.add(gradients, List.of(compute)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("no pass has started the sum");
            assertThatThrownBy(() -> sum.addTo(gradients, List.of(compute), 0, 64))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    /** The search follows the streams that compute: the value is there, and gone again, just before it. */
    @ParameterizedTest
    @EnumSource
    final void gradientsAreSearchedAfterTheyAreComputed(ElementType type) {
        long bytes = 1001L * type.bytes();
        Region bad = host(bytes);
        if (type == ElementType.FLOAT32) {
            bad.putFloat(bytes - 4, Float.NEGATIVE_INFINITY);
        } else {
            bad.putDouble(bytes - 8, Double.NaN);
        }
        try (DeviceStream compute = device.stream("compute");
                DeviceStream second = device.stream("compute too");
                DeviceBuffer gradients = device.allocate("gradients", bytes);
                PinnedMemory pin = device.pin(bad);
                FiniteCheck check = new FiniteCheck(device, type, PATIENCE)) {
            List<DeviceStream> computes = List.of(compute, second);
            for (int step = 0; step < 3; step++) {
                second.clear(gradients, 0, bytes);
                assertThat(check.isFinite(gradients, computes)).isTrue();
                compute.copyToDevice(pin, 0, gradients, 0, bytes);
                assertThat(check.isFinite(gradients, computes)).isFalse();
            }
        }
    }
}
