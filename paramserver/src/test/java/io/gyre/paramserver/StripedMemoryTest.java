package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.kernel.ArrayKernels;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class StripedMemoryTest {

    private static final long LINE = 64;

    /** Rank 9 is lost; a wait for any other fails after a while. */
    private static final class FewPauses implements StripeLocks.Guard {
        private int pauses;

        @Override
        public void pause() {
            if (++pauses > 1_000) {
                throw new GyreException("waited too long");
            }
            Thread.onSpinWait();
        }

        @Override
        public boolean hasEnded(int rank) {
            return rank == 9;
        }
    }

    private static Region whole(long dataBytes) {
        return Region.allocate("shard", StripedMemory.wholeBytes(dataBytes));
    }

    private static void lock(Region whole, int stripe, int rank) {
        long at = LINE * (1 + stripe);
        whole.window(at).putLong(whole.windowOffset(at), rank + 1);
    }

    @ParameterizedTest(name = "{0} floats")
    @ValueSource(ints = {0, 1, 1_000, 65_536, 65_537, 500_003})
    void manyAddersAtOnceLoseNothing(int elements) throws Exception {
        int threads = 4;
        int rounds = 30;
        Region whole = whole(4L * elements);
        List<Thread> adders = new ArrayList<>();
        for (int rank = 0; rank < threads; rank++) {
            StripedMemory memory = new StripedMemory(whole, 4L * elements, "", rank, new StripeLocks.Guard() {
                @Override
                public void pause() {
                    Thread.onSpinWait();
                }

                @Override
                public boolean hasEnded(int other) {
                    return false;
                }
            });
            adders.add(new Thread(() -> {
                Region delta = Region.allocate("delta", 4L * elements);
                for (int i = 0; i < elements; i++) {
                    delta.putFloat(4L * i, i % 100);
                }
                for (int round = 0; round < rounds; round++) {
                    memory.accumulate(new ArrayKernels(), ElementType.FLOAT32, 0, delta);
                }
            }));
        }
        adders.forEach(Thread::start);
        for (Thread adder : adders) {
            adder.join();
        }

        StripedMemory memory = new StripedMemory(whole, 4L * elements, "", 0, new FewPauses());
        assertThat(memory.changes()).isEqualTo((long) threads * rounds);
        Region read = Region.allocate("read", 4L * elements);
        memory.read(read);
        for (int i = 0; i < elements; i++) {
            assertThat(read.getFloat(4L * i)).as("element %d", i).isEqualTo(threads * rounds * (i % 100));
        }
    }

    @Test
    void theLockOfADeadRankIsTakenOver() {
        Region whole = whole(8);
        lock(whole, 0, 9);
        StripedMemory memory = new StripedMemory(whole, 8, "", 1, new FewPauses());
        Region delta = Region.allocate("delta", 8);
        delta.putFloat(4, 3);

        memory.accumulate(new ArrayKernels(), ElementType.FLOAT32, 0, delta);
        memory.accumulate(new ArrayKernels(), ElementType.FLOAT32, 0, delta);

        assertThat(memory.data().getFloat(4)).isEqualTo(6);
    }

    @Test
    void theLockOfAProcessThatAnotherHasReplacedIsTakenOver() {
        Region whole = whole(8);
        Region delta = Region.allocate("delta", 8);
        delta.putFloat(4, 3);
        for (int rank : new int[] {1, 2}) {
            lock(whole, 0, rank);
            StripedMemory memory = new StripedMemory(whole, 8, "", 1, new SecondProcesses());

            memory.accumulate(new ArrayKernels(), ElementType.FLOAT32, 0, delta);

            assertThat(memory.data().getFloat(4)).isEqualTo(3 * rank);
        }
    }

    @Test
    void theLockOfAProcessThatHasComeBackIsWaitedFor() {
        Region whole = whole(8);
        whole.window(LINE).putLong(whole.windowOffset(LINE), 1L << 32 | 3);
        StripedMemory memory = new StripedMemory(whole, 8, "", 1, new SecondProcesses());

        assertThatThrownBy(() -> memory.write(0, Region.allocate("values", 8))).hasMessage("waited too long");
    }

    /** All ranks were lost and restarted once. */
    private static final class SecondProcesses implements StripeLocks.Guard {
        private final FewPauses few = new FewPauses();

        @Override
        public void pause() {
            few.pause();
        }

        @Override
        public boolean hasEnded(int rank) {
            return false;
        }

        @Override
        public int incarnation(int rank) {
            return 1;
        }
    }

    @Test
    void theLockOfALivingRankIsWaitedForAsLongAsThatMakesSense() {
        Region whole = whole(8);
        lock(whole, 0, 2);
        StripedMemory memory = new StripedMemory(whole, 8, "", 1, new FewPauses());

        assertThatThrownBy(() -> memory.write(0, Region.allocate("values", 8))).hasMessage("waited too long");
        assertThat(memory.changes()).isZero();
    }

    @Test
    void aPartInTheMiddleCanBeChangedAlone() {
        int elements = 200_000;
        StripedMemory memory = new StripedMemory(whole(4L * elements), 4L * elements, "", 3, new FewPauses());
        Region ones = Region.allocate("ones", 4L * 100_000);
        for (int i = 0; i < 100_000; i++) {
            ones.putFloat(4L * i, 1);
        }

        memory.accumulate(new ArrayKernels(), ElementType.FLOAT32, 4L * 50_000, ones);

        for (int i = 0; i < elements; i++) {
            assertThat(memory.data().getFloat(4L * i))
                    .as("element %d", i)
                    .isEqualTo(i >= 50_000 && i < 150_000 ? 1 : 0);
        }
    }
}
