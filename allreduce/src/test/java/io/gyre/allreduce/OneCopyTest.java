package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Memory of which there is one copy for all ranks. */
@Timeout(60)
class OneCopyTest {

    @Test
    void whatOneRankWritesAllSee() throws Exception {
        Gyre.local(3).run(session -> {
            int rank = session.world().rank();
            try (DirectCollective collective = new DirectCollective(session.endpoint());
                    MemoryBox first = collective.allocateOnce("state", 48);
                    MemoryBox second = collective.allocateOnce("state", 48)) {
                assertThat(first.region().getDouble(40)).isZero();
                collective.barrier(0);
                first.region().putDouble(16L * rank, rank + 1);
                collective.barrier(1);

                for (int other = 0; other < 3; other++) {
                    assertThat(first.region().getDouble(16L * other)).isEqualTo(other + 1);
                    assertThat(second.region().getDouble(16L * other)).isZero();
                }
                collective.barrier(2);
            }
        });
    }
}
