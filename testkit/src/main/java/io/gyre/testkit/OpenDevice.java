package io.gyre.testkit;

import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.PinnedMemory;
import io.gyre.memory.Region;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Opens the first device under test for each test, and moves data to it and back. */
abstract class OpenDevice {

    static final Duration PATIENCE = Duration.ofSeconds(60);

    Devices devices;
    Device device;

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

    static Region host(long bytes) {
        return Region.allocate("host memory of a test", bytes);
    }

    static void fillRandomly(Region region, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (long i = 0; i + 4 <= region.byteLength(); i += 4) {
            region.putFloat(i, (float) (random.nextDouble() * 2 - 1));
        }
    }

    static void assertSame(Region actual, Region expected, String what) {
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
    static DeviceBuffer upload(Device device, Region from) {
        DeviceBuffer buffer = device.allocate("uploaded", from.byteLength());
        try (PinnedMemory pin = device.pin(from);
                DeviceStream stream = device.stream("upload")) {
            stream.copyToDevice(pin, 0, buffer, 0, from.byteLength());
            stream.await(PATIENCE, "an upload");
        }
        return buffer;
    }

    static Region download(Device device, DeviceBuffer from) {
        Region region = host(from.byteLength());
        try (PinnedMemory pin = device.pin(region);
                DeviceStream stream = device.stream("download")) {
            stream.copyToHost(from, 0, pin, 0, from.byteLength());
            stream.await(PATIENCE, "a download");
        }
        return region;
    }
}
