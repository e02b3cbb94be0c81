package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Vectors of the collective are broadcast in place; the contract tests the rest. */
@Timeout(60)
class BroadcastInPlaceTest {

    @Test
    void everyPartOfAVectorComesFromItsRoot() throws Exception {
        Gyre.local(3).run(session -> {
            int rank = session.world().rank();
            try (DirectCollective collective = new DirectCollective(session.endpoint());
                    MemoryBox box = collective.allocate("vector", 4_000)) {
                Region vector = box.region();
                for (long at = 0; at < 4_000; at += 8) {
                    vector.putDouble(at, 10_000.0 * rank + at);
                }
                for (int root = 0; root < 3; root++) {
                    collective.broadcast(vector.slice(800L * root, 800), root, root, -1);
                }
                collective.broadcast(vector.slice(0, 0), 0, 3, -1);

                for (long at = 0; at < 4_000; at += 8) {
                    int from = at < 2_400 ? (int) (at / 800) : rank;
                    assertThat(vector.getDouble(at)).isEqualTo(10_000.0 * from + at);
                }
            }
        });
    }
}
