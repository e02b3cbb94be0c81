package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the ring promises beyond the contract of all collectives: the fewest bytes, and no garbage. */
@Timeout(120)
class RingCollectiveTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"2, 10_000", "3, 10_000", "4, 10_001", "5, 9", "8, 100_003"})
    void anAllReduceSendsEveryByteTwiceButForItsOwnersChunk(int ranks, String elements) throws Exception {
        long length = Long.parseLong(elements.replace("_", ""));

        List<Long> sent = Gyre.local(ranks).call(session -> {
            Region data = Region.allocate("data", length * Float.BYTES);
            new RingCollective(session.endpoint()).allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            return session.bytesSent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            long notReduced = Chunk.of(rank, ranks, length).length();
            long notGathered = Chunk.of(rank + 1, ranks, length).length();
            assertThat(sent.get(rank)).isEqualTo((2 * length - notReduced - notGathered) * Float.BYTES);
        }
    }

    @ParameterizedTest(name = "{0} ranks, {1} bytes: one shot is {2}")
    @CsvSource({
        "2, 0, true",
        "2, 16384, true",
        "2, 16388, false",
        "3, 8192, true",
        "3, 8196, false",
        "4, 5460, true",
        "4, 5464, false",
        "5, 0, false",
        "5, 4, false",
        "16, 4, false",
        "2, 4294967296, false"
    })
    void onlyShortVectorsInSmallWorldsAreReducedInOneShot(int ranks, long bytes, boolean oneShot) {
        assertThat(OneShotAllReduce.suits(ranks, bytes)).isEqualTo(oneShot);
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {1, 2, 4, 5})
    void nothingIsAllocatedAfterTheFirstCalls(int ranks) throws Exception {
        int rounds = 100;

        List<Long> allocated = Gyre.local(ranks).call(session -> {
            Workload workload = new Workload(session);
            workload.run(rounds);
            long before = THREADS.getCurrentThreadAllocatedBytes();
            workload.run(rounds);
            return THREADS.getCurrentThreadAllocatedBytes() - before;
        });

        // The smallest object takes 16 bytes. What the JVM allocates once, such as for linking a rare path, is less
        // than that per round.
        assertThat(allocated)
                .as("bytes allocated by each rank in %d rounds", rounds)
                .allSatisfy(bytes -> assertThat(bytes).isLessThan(rounds * 16L));
    }

    private static final class Workload {
        private final RingCollective collective;
        private final Region shortVector = Region.allocate("short", 400);
        private final Region longVector = Region.allocate("long", 300_004);
        private final int ranks;

        Workload(Session session) {
            collective = new RingCollective(session.endpoint());
            ranks = session.world().size();
        }

        void run(int rounds) {
            for (int step = 0; step < rounds; step++) {
                collective.allReduce(shortVector, ElementType.FLOAT32, ReduceOp.SUM, step, 0);
                collective.allReduce(shortVector, ElementType.FLOAT64, ReduceOp.MAX, step, 0);
                collective.allReduce(longVector, ElementType.FLOAT32, ReduceOp.SUM, step, 0);
                collective.reduceScatter(longVector, ElementType.FLOAT32, ReduceOp.MIN, step, 0);
                collective.allGather(longVector, ElementType.FLOAT32, step, 0);
                collective.broadcast(longVector, step % ranks, step, 0);
                collective.barrier(step);
            }
        }
    }
}
