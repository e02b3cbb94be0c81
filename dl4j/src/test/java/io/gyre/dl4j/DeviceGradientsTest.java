package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.HostDevices;
import io.gyre.device.PinnedMemory;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.testkit.RankJvm;
import io.gyre.training.BucketPlan;
import io.gyre.training.HostAccess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Gradients of a backend that keeps them on a device, here simulated by the host. */
class DeviceGradientsTest {

    private static final int BUCKETS = 3;
    private static final long BYTES = 400;

    /** Returns where the array would be on the device, and counts notifications of changes. */
    private static final class Played implements DeviceGradients.GradientMemory {
        private final long address;
        private int changes;
        private long changedBytes;
        private int refreshes;

        Played(long address) {
            this.address = address;
        }

        @Override
        public int device(INDArray array) {
            return 0;
        }

        @Override
        public long address(INDArray array) {
            return address;
        }

        @Override
        public void refresh(INDArray array, long byteOffset, long byteLength) {
            refreshes++;
        }

        @Override
        public long[] streams() {
            return new long[] {0, 0};
        }

        @Override
        public void written(INDArray array, long byteOffset, long byteLength) {
            changes++;
            changedBytes += byteLength;
        }
    }

    @Test
    void gradientsLeaveTheDeviceAndTheSumIsCopiedBack() {
        INDArray array = Nd4j.zeros(100);
        Region host = Region.allocate("box", BYTES);
        Region seen = Region.allocate("seen", BYTES);
        try (HostDevices devices = new HostDevices(1);
                Device device = devices.open(0);
                DeviceBuffer buffer = device.allocate("ND4J's memory", BYTES);
                DeviceStream stream = device.stream("test");
                PinnedMemory pinned = device.pin(seen)) {
            Played memory = new Played(buffer.address());
            for (int i = 0; i < 100; i++) {
                seen.putFloat(i * 4L, i);
            }
            stream.copyToDevice(pinned, 0, buffer, 0, BYTES);
            try (DeviceGradients gradients = new DeviceGradients(
                    0,
                    new DeviceGradients.Source(devices, memory),
                    array,
                    host,
                    BucketPlan.of(List.of(60L, 40L), 50))) {
                for (int step = 0; step < 3; step++) {
                    if (step > 0) {
                        gradients.beginReduction(0);
                    }
                    gradients.beginReduction();
                    HostAccess access = gradients.access();
                    for (int bucket = 0; bucket < BUCKETS; bucket++) {
                        access.await(bucket);
                    }
                    for (int i = 0; i < 100; i++) {
                        host.putFloat(i * 4L, host.getFloat(i * 4L) * 2);
                    }
                    for (int bucket = 0; bucket < BUCKETS; bucket++) {
                        access.copyBack(bucket);
                    }
                    gradients.endReduction();
                }
            }
            stream.copyToHost(buffer, 0, pinned, 0, BYTES);
            stream.await(Duration.ofSeconds(1), "the result");
            for (int i = 0; i < 100; i++) {
                assertThat(seen.getFloat(i * 4L)).isEqualTo(8f * i);
            }
            assertThat(memory.changes).isEqualTo(3);
            assertThat(memory.refreshes).isEqualTo(2);
        }
        host.close();
    }

    /** Gradients of ND4J on a device: those that {@link #put} puts there, and nowhere else. */
    private static final class OnDevice implements AutoCloseable {
        final HostDevices devices = new HostDevices(1);
        final Device device = devices.open(0);
        final DeviceBuffer buffer = device.allocate("ND4J's memory", BYTES);
        final DeviceStream stream = device.stream("test");
        final Region host = Region.allocate("host", BYTES);
        final PinnedMemory pinned = device.pin(host);
        final Played memory = new Played(buffer.address());
        final INDArray array = Nd4j.zeros(100);
        final Region box = Region.allocate("box", BYTES);
        final DeviceGradients gradients = new DeviceGradients(
                0, new DeviceGradients.Source(devices, memory), array, box, BucketPlan.of(List.of(60L, 40L), 50));

        void put(IntToFloat values) {
            for (int i = 0; i < 100; i++) {
                host.putFloat(i * 4L, values.of(i));
            }
            stream.copyToDevice(pinned, 0, buffer, 0, BYTES);
        }

        float get(int element) {
            stream.copyToHost(buffer, 0, pinned, 0, BYTES);
            stream.await(Duration.ofSeconds(1), "the result");
            return host.getFloat(element * 4L);
        }

        @Override
        public void close() {
            gradients.close();
            pinned.close();
            stream.close();
            buffer.close();
            device.close();
            devices.close();
            box.close();
            host.close();
        }
    }

    private interface IntToFloat {
        float of(int element);
    }

    /** Neither the array of this test nor the memory of the host has the value. */
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void aValueThatIsNotFiniteIsFoundOnTheDevice(float value) {
        try (OnDevice on = new OnDevice()) {
            for (int bad : new int[] {0, 59, 60, 99}) {
                on.put(i -> Float.MAX_VALUE);
                assertThat(on.gradients.areFinite()).isTrue();
                on.put(i -> i == bad ? value : 1);
                assertThat(on.gradients.areFinite()).isFalse();
            }
        }
    }

    @Test
    void passesAreSummedOnTheDevice() {
        try (OnDevice on = new OnDevice()) {
            EarlierPasses earlier = on.gradients.earlierPasses();
            on.put(i -> i / 3f);
            earlier.start(on.array);
            on.put(i -> i * 1e-3f);
            earlier.add(on.array);
            on.put(i -> 7f);
            earlier.addTo(on.array, 60, 100);
            assertThat(on.memory.changedBytes).isEqualTo(160);
            assertThat(on.get(59)).isEqualTo(7);
            earlier.addTo(on.array, 0, 60);

            for (int i = 0; i < 100; i++) {
                assertThat(on.get(i)).isEqualTo(7f + (i / 3f + i * 1e-3f));
            }
            assertThat(on.memory.refreshes).isEqualTo(2);
            assertThat(on.memory.changes).isEqualTo(2);
        }
    }

    /** Uses gradients on a device, in a JVM that logs at level INFO. */
    static final class Logged {
        public static void main(String[] arguments) {
            try (OnDevice on = new OnDevice()) {
                on.put(i -> i);
                on.gradients.areFinite();
                on.gradients.accessOfAnotherThread().close();
            }
        }
    }

    @Test
    void theLogSaysOnceWhichKernelsAreUsed(@TempDir Path directory) throws Exception {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=info");
        try (RankJvm jvm = RankJvm.start(directory, flags, Map.of(), Logged.class)) {
            assertThat(jvm.awaitExit(Duration.ofMinutes(1))).as(jvm.output()).isZero();
            assertThat(jvm.output()).containsOnlyOnce("plain Java: there is nothing else");
        }
    }

    @Test
    void aCpuBackendNeedsNoneOfThis() throws InterruptedException {
        Gyre.local(1)
                .run(session -> assertThat(DeviceGradients.Source.find(session)).isNull());
    }

    @Test
    void ofAHostItsFirstRankSpeaks() {
        List<Member> members =
                List.of(new Member(0, "a", 1), new Member(1, "b", 1), new Member(2, "a", 2), new Member(3, "b", 2));

        assertThat(members)
                .filteredOn(own -> DeviceGradients.Source.isFirstOfItsHost(own, members))
                .extracting(Member::rank)
                .containsExactly(0, 1);
    }
}
