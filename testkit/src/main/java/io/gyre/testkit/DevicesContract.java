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
import io.gyre.device.PinnedMemory;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.Region;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@link Devices} for memory, streams, events and the gradients of a training. Extend it, and {@link
 * GradientKernelsContract}, for each implementation.
 */
public abstract class DevicesContract extends DeviceGradientsContract {

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
