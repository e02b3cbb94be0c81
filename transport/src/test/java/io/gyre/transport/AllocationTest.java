package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.Collectives;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training must not create garbage: the JVM counts what each thread allocates. */
class AllocationTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** The compiler may be slow on a busy machine; an allocation in every call would show in every round. */
    private static final int MOST_ROUNDS = 100;

    private static final int CALLS = 2_000;

    @TempDir
    Path directory;

    /**
     * Bytes allocated per call, rounded down: an object takes at least 16, and one-off allocations of the measurement
     * and the compiler do not count.
     */
    private record Allocated(long collective, long keepAlive) {}

    private static final Allocated NOTHING = new Allocated(0, 0);

    @ParameterizedTest(name = "{1} bytes over {0}")
    @CsvSource({"IPC, 100000", "SHM, 100000", "SHM, 1000"})
    void anAllReduceAllocatesNothing(TransportMode mode, int bytes) throws Exception {
        List<Allocated> ofRanks = AeronCluster.of(2, mode, directory).call(session -> {
            Collective collective = Collectives.choose(session.endpoint());
            Region data = collective.allocate("numbers", bytes).region();
            long keepAlive = keepAliveThread(session.world().rank());
            Allocated least = new Allocated(Long.MAX_VALUE, Long.MAX_VALUE);
            boolean done = false;
            for (int round = 0; round < MOST_ROUNDS && !done; round++) {
                Allocated before = allocated(keepAlive);
                allReduce(collective, data, round * CALLS, CALLS);
                Allocated after = allocated(keepAlive);
                least = new Allocated(
                        Math.min(least.collective(), (after.collective() - before.collective()) / CALLS),
                        Math.min(least.keepAlive(), (after.keepAlive() - before.keepAlive()) / CALLS));
                byte[] own = {(byte) (least.equals(NOTHING) ? 1 : 0)};
                done = session.exchange("done", own).stream().allMatch(each -> each[0] == 1);
            }
            return least;
        });

        assertThat(ofRanks).containsOnly(NOTHING);
    }

    private static void allReduce(Collective collective, Region data, int first, int count) {
        for (int step = first; step < first + count; step++) {
            collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, step, 0);
        }
    }

    private static Allocated allocated(long keepAlive) {
        long other = THREADS.getThreadAllocatedBytes(keepAlive);
        return new Allocated(
                THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()), other);
    }

    private static long keepAliveThread(int rank) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("gyre-keep-alive-r" + rank))
                .findFirst()
                .orElseThrow()
                .getId();
    }
}
