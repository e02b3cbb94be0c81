package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Vectors whose length in bytes does not fit in an int. Takes 5 GB of direct memory. */
@Tag("long")
class LongVectorTest {

    /** A little over 2^31 bytes; the border between the two ranks' chunks is in the middle of a window. */
    private static final long ELEMENTS = (1L << 29) + 12_345_677;

    /** Not the period of any window, chunk or segment; the values add exactly. */
    private static final int PERIOD = 9973;

    @Test
    void everyElementBeyondTwoToThe31BytesIsReached() throws Exception {
        Gyre.local(2).run(session -> {
            int rank = session.world().rank();
            Region data = Region.allocate("long vector", ELEMENTS * Float.BYTES);
            assertThat(data.byteLength()).isGreaterThan(1L << 31);
            forEachWindow(data, (window, at, count, first) -> {
                for (int i = 0; i < count; i++) {
                    window.putFloat(at + i * Float.BYTES, (rank + 1) * (float) ((first + i) % PERIOD));
                }
            });

            RingCollective collective = new RingCollective(session.endpoint());
            collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);

            check("all-reduce", data);
            if (rank == 0) {
                data.clear();
            }
            collective.broadcast(data, 1, 1, 0);
            check("broadcast", data);
        });
    }

    private static void check(String what, Region data) {
        long[] wrong = {0};
        forEachWindow(data, (window, at, count, first) -> {
            for (int i = 0; i < count; i++) {
                if (window.getFloat(at + i * Float.BYTES) != 3 * (float) ((first + i) % PERIOD)) {
                    wrong[0]++;
                }
            }
        });
        assertThat(wrong[0]).as("wrong elements of %d after %s", ELEMENTS, what).isZero();
    }

    private interface WindowVisitor {
        void visit(ByteBuffer window, int at, int count, long first);
    }

    private static void forEachWindow(Region region, WindowVisitor visitor) {
        for (long done = 0; done < region.byteLength(); ) {
            int n = region.contiguous(done, region.byteLength() - done);
            visitor.visit(region.window(done), region.windowOffset(done), n / Float.BYTES, done / Float.BYTES);
            done += n;
        }
    }
}
