package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceEvent;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.FiniteCheck;
import io.gyre.device.GradientSum;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedExchange;
import io.gyre.device.StagedGradients;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@link Devices} for memory, streams and events. Extend it, and {@link GradientKernelsContract}, for
 * each implementation.
 */
public abstract class DevicesContract {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private Devices devices;
    private Device device;

    /** The devices under test. */
    protected abstract Devices devices();

    /** Called at the end of each test, when everything is closed; may check for leaks. */
    protected void checkNothingIsLeft() {}

    @BeforeEach
    final void openDevice() {
        devices = devices();
        device = devices.open(0);
    }

    @AfterEach
    final void closeDevice() {
        device.close();
        devices.close();
        checkNothingIsLeft();
    }

    private static Region host(long bytes) {
        return Region.allocate("host memory of a test", bytes);
    }

    private static void fillRandomly(Region region, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (long i = 0; i + 4 <= region.byteLength(); i += 4) {
            region.putFloat(i, (float) (random.nextDouble() * 2 - 1));
        }
    }

    private static void assertSame(Region actual, Region expected, String what) {
        for (long i = 0; i + 4 <= expected.byteLength(); i += 4) {
            int got = Float.floatToRawIntBits(actual.getFloat(i));
            int want = Float.floatToRawIntBits(expected.getFloat(i));
            if (got != want) {
                throw new AssertionError(what + ": float " + i / 4 + " of " + expected.byteLength() / 4 + " is "
                        + Float.intBitsToFloat(got) + ", not " + Float.intBitsToFloat(want));
            }
        }
    }

    /** A buffer with a region's contents. */
    private static DeviceBuffer upload(Device device, Region from) {
        DeviceBuffer buffer = device.allocate("uploaded", from.byteLength());
        try (PinnedMemory pin = device.pin(from);
                DeviceStream stream = device.stream("upload")) {
            stream.copyToDevice(pin, 0, buffer, 0, from.byteLength());
            stream.await(PATIENCE, "an upload");
        }
        return buffer;
    }

    private static Region download(Device device, DeviceBuffer from) {
        Region region = host(from.byteLength());
        try (PinnedMemory pin = device.pin(region);
                DeviceStream stream = device.stream("download")) {
            stream.copyToHost(from, 0, pin, 0, from.byteLength());
            stream.await(PATIENCE, "a download");
        }
        return region;
    }

    @Test
    final void devicesSayWhatTheyAre() {
        assertThat(devices.name()).isNotBlank();
        assertThat(devices.list()).isNotEmpty().allSatisfy(info -> {
            assertThat(info.name()).isNotBlank();
            assertThat(info.totalBytes()).isPositive();
        });
        assertThat(device.info()).isEqualTo(devices.list().get(0));
        assertThat(device.freeBytes()).isPositive();
        assertThat(devices.peerAccess(0, 0)).isTrue();
        int count = devices.list().size();
        assertThatThrownBy(() -> devices.open(count))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no device " + count);
    }

    @ParameterizedTest
    @ValueSource(longs = {4, 4096, 100_004, 5_000_000})
    final void whatGoesToTheDeviceComesBack(long bytes) {
        Region there = host(bytes);
        fillRandomly(there, bytes);
        try (DeviceBuffer buffer = upload(device, there)) {
            assertSame(download(device, buffer), there, "round trip");
        }
    }

    @Test
    final void copiesTakeTheStretchThatTheyAreToldAndNoMore() {
        Region there = host(4000);
        fillRandomly(there, 1);
        Region back = host(4000);
        try (DeviceBuffer buffer = device.allocate("buffer", 4000);
                DeviceStream stream = device.stream("copies");
                PinnedMemory from = device.pin(there);
                PinnedMemory to = device.pin(back)) {
            stream.clear(buffer, 0, 4000);
            stream.copyToDevice(from, 400, buffer, 800, 1200);
            stream.copy(buffer, 800, buffer, 2400, 400);
            stream.copyToHost(buffer, 40, to, 0, 3960);
            stream.await(PATIENCE, "copies");
        }
        for (int i = 0; i < 4000; i += 4) {
            int at = i + 40;
            float expected = 0;
            if (i < 3960 && at >= 800 && at < 2000) {
                expected = there.getFloat(at - 400);
            } else if (i < 3960 && at >= 2400 && at < 2800) {
                expected = there.getFloat(at - 2000);
            }
            assertThat(back.getFloat(i)).as("byte %d", i).isEqualTo(expected);
        }
    }

    @Test
    final void aStretchOutsideOfItsMemoryIsRefused() {
        try (DeviceBuffer buffer = device.allocate("small", 64);
                DeviceStream stream = device.stream("copies");
                PinnedMemory pin = device.pin(host(64))) {
            assertThatThrownBy(() -> stream.copyToDevice(pin, 0, buffer, 4, 64))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessage("device buffer 'small' has 64 bytes; 64 bytes from 4 are outside");
            assertThatThrownBy(() -> stream.copyToHost(buffer, 0, pin, 60, 8))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageContaining("8 bytes from 60 are outside");
            assertThatThrownBy(() -> stream.copy(buffer, -4, buffer, 32, 8))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> stream.clear(buffer, 0, 65)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> device.kernels().sum(stream, ElementType.FLOAT32, buffer, 0, buffer, 32, 9))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> device.kernels().sum(stream, ElementType.FLOAT32, buffer, 2, buffer, 32, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("offset 2 is not a multiple of the element's 4 bytes");
        }
    }

    @Test
    final void pinnedMemoryCannotBeClosed() {
        Region region = host(64);
        PinnedMemory pin = device.pin(region);
        assertThatThrownBy(region::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a device's pin");
        pin.close();
        pin.close();
        region.close();
        assertThatThrownBy(() -> device.pin(region)).isInstanceOf(IllegalStateException.class);
    }

    /** Without the events the copies would overtake each other on a slow device. */
    @Test
    final void eventsOrderStreams() {
        int rounds = 20;
        Region counter = host(4);
        try (DeviceBuffer value = device.allocate("value", 4);
                DeviceBuffer one = upload(device, ones(4));
                DeviceStream first = device.stream("first");
                DeviceStream second = device.stream("second");
                DeviceEvent written = device.event("written");
                DeviceEvent read = device.event("read");
                PinnedMemory pin = device.pin(counter)) {
            assertThat(written.isDone()).isTrue();
            first.clear(value, 0, 4);
            for (int round = 1; round <= rounds; round++) {
                device.kernels().sum(first, ElementType.FLOAT32, value, 0, one, 0, 1);
                first.record(written);
                second.waitFor(written);
                second.copyToHost(value, 0, pin, 0, 4);
                second.record(read);
                first.waitFor(read);
                read.await(PATIENCE, "round " + round);
                assertThat(read.isDone()).isTrue();
                assertThat(counter.getFloat(0)).isEqualTo(round);
            }
        }
    }

    private static Region ones(long bytes) {
        Region region = host(bytes);
        for (long i = 0; i < bytes; i += 4) {
            region.putFloat(i, 1);
        }
        return region;
    }

    @Test
    final void memoryAndStreamsOfOthersAreUsedByAddressAndHandle() {
        Region there = host(400);
        fillRandomly(there, 2);
        try (DeviceBuffer whole = upload(device, there);
                DeviceBuffer other = upload(device, ones(200));
                DeviceStream stream = device.stream("somebody else's")) {
            try (DeviceBuffer part = device.view("part", whole.address() + 100, 200);
                    DeviceStream same = device.viewStream("view", stream.handle());
                    DeviceStream standard = device.viewStream("default", 0)) {
                device.kernels().sum(same, ElementType.FLOAT32, part, 0, other, 0, 50);
                same.await(PATIENCE, "a kernel in another's stream");
                standard.clear(part, 0, 4);
                standard.await(PATIENCE, "the default stream");
                assertThat(part.address()).isEqualTo(whole.address() + 100);
            }
            Region back = download(device, whole);
            for (int i = 0; i < 400; i += 4) {
                float expected = i == 100 ? 0 : i > 100 && i < 300 ? there.getFloat(i) + 1 : there.getFloat(i);
                assertThat(back.getFloat(i)).isEqualTo(expected);
            }
        }
    }

    @Test
    final void aDeviceBelongsToItsThread() throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread other = new Thread(() -> failure.set(catchThrowable(() -> device.allocate("stolen", 4))), "a thief");
        other.start();
        other.join();
        assertThat(failure.get())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(
                        "belongs to thread '" + Thread.currentThread().getName() + "'")
                .hasMessageContaining("thread 'a thief' cannot use it");
    }

    @Test
    final void everythingCanBeClosedTwiceAndIsOfNoUseAfterwards() {
        Device another = devices.open(0);
        DeviceBuffer buffer = another.allocate("buffer", 64);
        DeviceStream stream = another.stream("stream");
        DeviceEvent event = another.event("event");
        for (int i = 0; i < 2; i++) {
            event.close();
            stream.close();
            buffer.close();
        }
        assertThatThrownBy(stream::isDone).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(event::isDone).isInstanceOf(IllegalStateException.class);
        // Buffers left open are closed with the device.
        another.allocate("forgotten", 64);
        another.stream("forgotten");
        another.event("forgotten");
        Region region = host(64);
        another.pin(region);
        another.close();
        another.close();
        region.close();
        assertThatThrownBy(() -> another.allocate("too late", 4)).isInstanceOf(IllegalStateException.class);
    }

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

    @Test
    final void kernelsCanBeTunedAndStillSum() {
        assertThat(device.tuneKernels()).isNotBlank();
        Region there = host(40_000);
        fillRandomly(there, 6);
        Region expected = host(40_000);
        new ScalarKernels().reduce(ReduceOp.SUM, ElementType.FLOAT32, expected, 0, there.window(0), 0, 40_000);
        new ScalarKernels().reduce(ReduceOp.SUM, ElementType.FLOAT32, expected, 0, there.window(0), 0, 40_000);
        try (DeviceBuffer into = upload(device, there);
                DeviceBuffer from = upload(device, there);
                DeviceStream stream = device.stream("kernels")) {
            device.kernels().sum(stream, ElementType.FLOAT32, into, 0, from, 0, 10_000);
            stream.await(PATIENCE, "a sum");
            assertSame(download(device, into), expected, "a sum of tuned kernels");
        }
    }

    @Test
    final void kernelsRefuseWhatOverlapsAndWhatIsElsewhere() {
        try (DeviceBuffer buffer = device.allocate("buffer", 64);
                DeviceStream stream = device.stream("kernels")) {
            assertThatThrownBy(() -> device.kernels().sum(stream, ElementType.FLOAT32, buffer, 0, buffer, 12, 4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("16 bytes from 0 of device buffer 'buffer' and 16 bytes from 12 of 'buffer' overlap");
            if (devices.list().size() > 1) {
                try (Device other = devices.open(1);
                        DeviceBuffer elsewhere = other.allocate("elsewhere", 64)) {
                    assertThatThrownBy(() ->
                                    device.kernels().sum(stream, ElementType.FLOAT32, elsewhere, 0, buffer, 0, 16))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessage("device buffer 'elsewhere' is on " + other.info() + ", and the kernel runs on "
                                    + device.info());
                }
            }
        }
    }
}
