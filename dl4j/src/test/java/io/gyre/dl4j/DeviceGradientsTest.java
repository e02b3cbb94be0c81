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
import io.gyre.training.BucketPlan;
import io.gyre.training.HostAccess;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
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
        public void written(INDArray array) {
            changes++;
        }
    }

    @Test
    void gradientsLeaveTheDeviceAndTheSumIsCopiedBack() {
        INDArray array = Nd4j.zeros(100);
        Region host = Region.allocate("box", BYTES);
        Region seen = Region.allocate("seen", BYTES);
        try (HostDevices devices = new HostDevices(1, true);
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
