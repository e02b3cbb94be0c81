package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gyre.memory.Region;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

class ReplicaSlicesTest {

    private static ReplicaPart part(String name, long elements) {
        Region memory = Region.allocate(name, elements * Float.BYTES);
        return new ReplicaPart(name, memory, DataType.FLOAT, element -> "element " + element);
    }

    private static List<Long> turn(ReplicaSlices slices, long firstStep) {
        List<Long> checksums = new ArrayList<>();
        for (int i = 0; i < slices.count(); i++) {
            checksums.add(slices.crc32c(firstStep + i));
        }
        return checksums;
    }

    @Test
    void everyBitOfEveryPartHasItsTurnOnce() {
        List<ReplicaPart> parts = List.of(part("parameters", 37), part("updater state", 5), part("sums", 37));
        ReplicaSlices slices = new ReplicaSlices(parts, 16);
        List<Long> before = turn(slices, 0);
        assertThat(slices.count()).isEqualTo(ReplicaSlices.MOST);

        for (ReplicaPart part : parts) {
            for (long element = 0; element < part.elements(); element++) {
                part.memory().putFloat(element * Float.BYTES, Float.MIN_VALUE);
                List<Long> after = turn(slices, 0);
                int changed = 0;
                for (int i = 0; i < after.size(); i++) {
                    changed += after.get(i).equals(before.get(i)) ? 0 : 1;
                }
                assertThat(changed).as("%s, element %d", part.name(), element).isEqualTo(1);
                part.memory().putFloat(element * Float.BYTES, 0);
            }
        }
    }

    @Test
    void aSmallModelIsComparedAsAWhole() {
        assertThat(new ReplicaSlices(List.of(part("parameters", 100)), ReplicaSlices.LEAST_BYTES).count())
                .isEqualTo(1);
        assertThat(new ReplicaSlices(List.of(part("none", 0)), ReplicaSlices.LEAST_BYTES).crc32c(3))
                .isZero();
    }

    @Test
    void theTurnFollowsTheStep() {
        List<ReplicaPart> parts = List.of(part("parameters", 64));
        for (int i = 0; i < 64; i++) {
            parts.get(0).memory().putFloat((long) i * Float.BYTES, i);
        }
        ReplicaSlices slices = new ReplicaSlices(parts, 64);

        assertThat(slices.count()).isEqualTo(4);
        assertThat(turn(slices, 8)).isEqualTo(turn(slices, 0)).doesNotHaveDuplicates();
    }

    @Test
    void aStepAllocatesNothing() {
        ReplicaSlices slices = new ReplicaSlices(List.of(part("parameters", 1000), part("sums", 1000)), 100);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = turn(slices, 0).get(0);
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int step = 0; step < 10_000; step++) {
            sum += slices.crc32c(step);
        }

        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertThat(allocated)
                .as("bytes allocated in 10,000 steps (checksums %d)", sum)
                .isLessThan(10_000);
    }
}
