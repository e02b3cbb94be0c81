package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.ElementType;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceEvent;
import io.gyre.device.DeviceException;
import io.gyre.device.DeviceException.Reason;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.FiniteCheck;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedExchange;
import io.gyre.device.StagedGradients;
import io.gyre.memory.Region;
import io.gyre.training.BucketPlan;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** GPU failures, on the fake driver. */
class FailureTest {

    private static final Duration SOON = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private Devices devices;
    private Device device;

    @BeforeEach
    void openDevice() {
        FakeDriver.load(1, 0);
        devices = CudaDevices.open();
        device = devices.open(0);
    }

    @AfterEach
    void closeDevice() {
        FakeDriver.hang(0);
        device.close();
        devices.close();
        FakeDriver.configure(1, 0, 86);
    }

    @Test
    void tooLittleMemoryIsSaidWithWhatItWasForAndTheDeviceGoesOn() {
        FakeDriver.limitMemory(1000);

        DeviceException failure = catchThrowableOfType(DeviceException.class, () -> device.allocate("gradients", 1001));

        assertThat(failure.reason()).isEqualTo(Reason.OUT_OF_MEMORY);
        assertThat(failure)
                .hasMessage(
                        "device 0 (Fake GPU 0) cannot allocate 1001 bytes for 'gradients': CUDA_ERROR_OUT_OF_MEMORY."
                                + " Use smaller batches, fewer ranks on this device, or another device");
        device.allocate("gradients", 1000).close();
        device.close();
        FakeDriver.assertNothingIsLeft();
    }

    @Test
    void aFailedKernelEndsTheUseOfTheDevice() {
        DeviceStream stream = device.stream("kernels");
        DeviceBuffer data = device.allocate("data", 64);
        Region host = Region.allocate("host", 64);
        PinnedMemory pin = device.pin(host);
        FakeDriver.failLaunch(2);
        device.kernels().sum(stream, ElementType.FLOAT32, data, 0, data, 32, 8);
        device.kernels().sum(stream, ElementType.FLOAT32, data, 0, data, 32, 8);

        DeviceException failure =
                catchThrowableOfType(DeviceException.class, () -> stream.await(PATIENCE, "two kernels"));

        assertThat(failure.reason()).isEqualTo(Reason.FAILED);
        assertThat(failure).hasMessageContaining("CUDA_ERROR_LAUNCH_FAILED");
        assertThat(catchThrowableOfType(DeviceException.class, () -> device.allocate("more", 1)))
                .hasMessage(failure.getMessage());
        // Everything can still be closed, and the host memory is unpinned.
        pin.close();
        data.close();
        stream.close();
        device.close();
        host.close();
    }

    @Test
    void aLostDeviceIsNamed() {
        DeviceStream stream = device.stream("copies");
        DeviceBuffer data = device.allocate("data", 64);
        FakeDriver.loseDevice(1);

        DeviceException failure = catchThrowableOfType(DeviceException.class, () -> stream.clear(data, 0, 64));

        assertThat(failure.reason()).isEqualTo(Reason.LOST);
        assertThat(failure)
                .hasMessageContaining("device 0 (Fake GPU 0)")
                .hasMessageContaining("CUDA_ERROR_UNKNOWN")
                .hasMessageContaining("nvidia-smi");
    }

    @Test
    void aWaitEndsInTimeAndSaysForWhat() {
        try (DeviceStream stream = device.stream("copies");
                DeviceBuffer data = device.allocate("data", 64);
                DeviceEvent event = device.event("cleared")) {
            FakeDriver.hang(1);
            stream.clear(data, 0, 64);
            stream.record(event);
            assertThat(event.isDone()).isFalse();
            assertThat(stream.isDone()).isFalse();
            for (DeviceException failure : List.of(
                    catchThrowableOfType(DeviceException.class, () -> event.await(SOON, "the clearing")),
                    catchThrowableOfType(DeviceException.class, () -> stream.await(SOON, "the clearing")))) {
                assertThat(failure.reason()).isEqualTo(Reason.TIMEOUT);
                assertThat(failure)
                        .hasMessageStartingWith("device 0 (Fake GPU 0) has not finished the clearing within 200 ms");
            }
            FakeDriver.hang(0);
            stream.await(PATIENCE, "the clearing");
            assertThat(event.isDone()).isTrue();
        }
    }

    @Test
    void aStuckCopyOfGradientsNamesItsBucket() {
        BucketPlan plan = BucketPlan.of(List.of(100L, 100L), 100);
        try (DeviceStream compute = device.stream("compute");
                DeviceBuffer gradients = device.allocate("gradients", 800);
                StagedGradients staged =
                        new StagedGradients(device, Region.allocate("host", 800), ElementType.FLOAT32, plan, SOON);
                StagedExchange exchange = staged.exchange(device)) {
            FakeDriver.hang(1);
            staged.begin(gradients, List.of(compute));
            assertThat(catchThrowableOfType(DeviceException.class, () -> exchange.await(1)))
                    .hasMessageContaining("has not finished the copy of bucket 1 to the host within 200 ms");
            FakeDriver.hang(0);
            for (int bucket = 0; bucket < plan.buckets().size(); bucket++) {
                exchange.await(bucket);
                exchange.copyBack(bucket);
            }
            staged.end(List.of(compute));
            compute.await(PATIENCE, "the return");
        }
    }

    @Test
    void aStuckSearchInGradientsIsNamed() {
        try (DeviceStream compute = device.stream("compute");
                DeviceBuffer gradients = device.allocate("gradients", 800);
                FiniteCheck check = new FiniteCheck(device, ElementType.FLOAT32, SOON)) {
            compute.clear(gradients, 0, 800);
            FakeDriver.hang(1);
            assertThat(catchThrowableOfType(DeviceException.class, () -> check.isFinite(gradients, List.of(compute))))
                    .hasMessageContaining(
                            "has not finished the search for NaN and infinities in the gradients within 200 ms");
            FakeDriver.hang(0);
            assertThat(check.isFinite(gradients, List.of(compute))).isTrue();
        }
    }

    /** Tests the fixture itself: a copy without an event must be detected as too early. */
    @Test
    void aForgottenEventShows() {
        FakeDriver.configure(1, 20_000, 86);
        try (Device slow = devices.open(0);
                DeviceStream first = slow.stream("first");
                DeviceStream second = slow.stream("second");
                DeviceBuffer data = slow.allocate("data", 64);
                PinnedMemory pin = slow.pin(Region.allocate("host", 64))) {
            first.clear(data, 0, 64);
            first.clear(data, 0, 64);
            second.copyToHost(data, 0, pin, 0, 64);
            second.await(PATIENCE, "a copy");
            first.await(PATIENCE, "a clearing");
            second.copyToHost(data, 0, pin, 0, 64);
            second.await(PATIENCE, "a copy");
            assertThat(pin.region().getFloat(0)).isZero();
            first.clear(data, 0, 64);
            assertThat(first.isDone()).isFalse();
            first.await(PATIENCE, "a clearing");
        }
    }

    @Test
    void aBufferOfAnotherDeviceIsRefused() {
        FakeDriver.configure(2, 0, 86);
        try (Devices two = CudaDevices.open();
                Device first = two.open(0);
                Device second = two.open(1);
                DeviceStream stream = first.stream("kernels");
                DeviceBuffer here = first.allocate("here", 64);
                DeviceBuffer elsewhere = second.allocate("elsewhere", 64)) {
            DeviceBuffer closed = first.allocate("closed", 64);
            closed.close();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> first.kernels().sum(stream, ElementType.FLOAT32, elsewhere, 0, here, 0, 16))
                    .withMessageContaining("'elsewhere' is on device 1 (Fake GPU 1)");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> stream.copy(here, 0, elsewhere, 0, 64))
                    .withMessageContaining("'elsewhere' is on device 1 (Fake GPU 1)");
            assertThatIllegalStateException()
                    .isThrownBy(() -> stream.clear(closed, 0, 64))
                    .withMessage("device buffer 'closed' is closed");
        }
    }
}
