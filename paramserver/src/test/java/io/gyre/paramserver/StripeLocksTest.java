package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rank 9 is lost, and rank 8 was restarted once. */
@Timeout(60)
class StripeLocksTest {

    private static final int STRIPES = 3;

    private final Region memory = Region.allocate("locks", 64 + STRIPES * StripeLocks.LINE_BYTES);

    private static final class Knowing implements StripeLocks.Guard {
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

        @Override
        public int incarnation(int rank) {
            return rank == 8 ? 1 : 0;
        }
    }

    private StripeLocks locks(int rank) {
        return new StripeLocks(memory, 64, rank, new Knowing(), "a test");
    }

    private long word(int stripe) {
        long at = 64 + stripe * StripeLocks.LINE_BYTES;
        return memory.window(at).getLong(memory.windowOffset(at));
    }

    private void hold(int stripe, int rank, long incarnation) {
        long at = 64 + stripe * StripeLocks.LINE_BYTES;
        memory.window(at).putLong(memory.windowOffset(at), incarnation << Integer.SIZE | rank + 1);
    }

    @Test
    void aLockSaysWhoHoldsItAndLeavesTheOthersFree() {
        locks(8).lock(1);

        assertThat(word(0)).isZero();
        assertThat(word(1)).isEqualTo(1L << Integer.SIZE | 9);
        assertThat(word(2)).isZero();

        locks(0).lock(2);
        locks(8).unlock(1);
        assertThat(word(1)).isZero();
        assertThat(word(2)).isEqualTo(1);
    }

    @Test
    void aLivingHolderIsWaitedForAndTheGuardEndsAHopelessWait() {
        hold(0, 2, 0);

        assertThatThrownBy(() -> locks(1).lock(0)).hasMessage("waited too long");
        assertThat(word(0)).as("still held").isEqualTo(3);
    }

    @Test
    void theLockOfALostRankAndThatOfAProcessBeforeARestartAreTakenOver() {
        hold(0, 9, 0);
        hold(1, 8, 0);

        locks(1).lock(0);
        locks(1).lock(1);

        assertThat(word(0)).isEqualTo(2);
        assertThat(word(1)).isEqualTo(2);
    }

    @Test
    void aRestartedProcessAndOneThatIsNotKnownYetLive() {
        hold(0, 8, 1);
        hold(1, 9, 1);

        assertThatThrownBy(() -> locks(1).lock(0)).hasMessage("waited too long");
        assertThatThrownBy(() -> locks(1).lock(1)).hasMessage("waited too long");
    }

    /** All find a lost holder at the same time; then each counts without an atomic operation. */
    @Test
    void oneAtATimeIsInsideThoughTheFirstHolderIsDead() throws Exception {
        int threads = 4;
        int rounds = 20_000;
        hold(0, 9, 0);
        long[] count = {0};
        List<FutureTask<Boolean>> tasks = new ArrayList<>();
        for (int rank = 0; rank < threads; rank++) {
            StripeLocks.Guard guard = new StripeLocks.Guard() {
                @Override
                public void pause() {
                    Thread.onSpinWait();
                }

                @Override
                public boolean hasEnded(int other) {
                    return other == 9;
                }
            };
            StripeLocks locks = new StripeLocks(memory, 64, rank, guard, "a test");
            FutureTask<Boolean> task = new FutureTask<>(() -> {
                for (int round = 0; round < rounds; round++) {
                    locks.lock(0);
                    count[0]++;
                    locks.unlock(0);
                }
                return true;
            });
            tasks.add(task);
            new Thread(task, "rank " + rank).start();
        }
        for (FutureTask<Boolean> task : tasks) {
            assertThat(task.get()).isTrue();
        }

        assertThat(count[0]).isEqualTo((long) threads * rounds);
        assertThat(word(0)).isZero();
    }
}
