package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gyre.ElementType;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The garbage of a step, by the JVM's count for each thread. */
@Timeout(60)
class AllocationTest {

    private static final int ELEMENTS = 100_000;
    private static final int ROUNDS = 4;
    private static final int STEPS = 500;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @Test
    void aPushAndAPullCreateAFewSmallObjectsAndNoDirectMemory() throws Exception {
        Gyre.local(1).run(session -> {
            Training training = new Training(new StaleSynchronous(1), new GradientDescent(1));
            try (ParameterService service =
                    ParameterService.builder(session).training(training).start()) {
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", 4L * ELEMENTS);
                client.start(w);
                client.resume(0);
                client.beginPull(0);
                client.awaitPull(w);
                client.pushPull(w, 0, 1, 0, w);
                long before = directBuffers();
                long least = Long.MAX_VALUE;
                for (int round = 0; round < ROUNDS; round++) {
                    long begin = allocated();
                    for (int i = 1; i <= STEPS; i++) {
                        client.pushPull(w, round * STEPS + i, 1, 0, w);
                    }
                    least = Math.min(least, (allocated() - begin) / STEPS);
                }
                System.out.printf("a push and a pull: %d bytes in both threads%n", least);
                assertThat(least).as("bytes per step").isLessThan(2_048);
                assertThat(directBuffers()).as("direct buffers").isLessThanOrEqualTo(before);
                client.finish(w);
            }
        });
    }

    /** Bytes allocated by the caller and by the service's thread. */
    private static long allocated() {
        long service = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("gyre-parameters-0"))
                .mapToLong(Thread::getId)
                .findFirst()
                .orElseThrow();
        return THREADS.getThreadAllocatedBytes(Thread.currentThread().getId())
                + THREADS.getThreadAllocatedBytes(service);
    }

    private static long directBuffers() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getCount)
                .findFirst()
                .orElseThrow();
    }
}
