package io.gyre.dl4j.memory;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.memory.Deallocator;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that frees ND4J's memory. Unreachable objects wait in batches, each of which ends with an observation of
 * all threads; a batch is freed once {@link NativeCalls} has proved that no thread uses it and the grace period is
 * over.
 */
final class Reclaimer implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

    /** For user code that took an address, which the proof does not cover. */
    private static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final long OBSERVE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long OBSERVE_NANOS_WHEN_PRESSED = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long OBSERVE_NANOS_WHEN_SHORT = TimeUnit.MILLISECONDS.toNanos(5);

    /** An observation stops all threads: it may take one part in this many of the time until the next... */
    private static final long PARTS = 200;

    /**
     * ...but the next is due after this time at the latest: on a busy machine an observation takes long without costing
     * much.
     */
    private static final long MOST_OBSERVE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long TICK_MILLIS = 100;
    private static final long TICK_MILLIS_WHEN_PRESSED = 4;
    private static final int MOST_AT_ONCE = 1 << 16;
    private static final long WARN_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** Approximate native memory that ND4J allocates per object besides the elements: 900 bytes were measured. */
    private static final long BYTES_PER_OBJECT = 1024;

    /** Objects found unreachable before the observation of that number. */
    private record Batch(long observation, long nanos, List<List<Deallocator>> byQueue, int size) {}

    private final DeallocationQueues queues;
    private final NativeCalls calls = new NativeCalls();
    private final CollectionTrigger trigger;
    private final Deque<Batch> waiting = new ArrayDeque<>();
    private final Thread thread = new Thread(this, "gyre-reclamation");

    private List<List<Deallocator>> found;
    private int foundCount;
    private long proved = -1;
    private long lastObservation;
    private long observationNanos;
    private long settlesAt;
    private long lastPeriodic = System.nanoTime();
    private boolean warned;
    private boolean failed;
    private volatile boolean closing;
    private final AtomicLong waitingCount = new AtomicLong();
    private final AtomicLong freedCount = new AtomicLong();
    private volatile long observations;

    Reclaimer(DeallocationQueues queues, long limitBytes) {
        this.queues = queues;
        trigger = new CollectionTrigger(limitBytes, allowedBytes() / 4);
        found = queues.lists();
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
    }

    void start() {
        thread.start();
    }

    /**
     * Stops taking from the queues. The thread ends once it has freed what it has taken; this method does not wait for
     * that.
     */
    void close() {
        closing = true;
        thread.interrupt();
    }

    /** Number of objects that were found unreachable and are not freed yet. */
    long waiting() {
        return waitingCount.get();
    }

    /** Number of objects that were freed. */
    long freed() {
        return freedCount.get();
    }

    /** Number of observations of all threads. */
    long observations() {
        return observations;
    }

    Thread thread() {
        return thread;
    }

    @Override
    public void run() {
        while (!closing) {
            int more = find();
            reclaim();
            bound(more == 0);
        }
        while (foundCount > 0 || !waiting.isEmpty()) {
            reclaim();
            pause(OBSERVE_NANOS_WHEN_PRESSED);
        }
    }

    private int find() {
        int more = 0;
        for (int queue = 0; queue < queues.count(); queue++) {
            more += queues.drain(queue, found.get(queue), MOST_AT_ONCE);
        }
        if (more == 0) {
            try {
                Deallocator first = queues.await(pressed() ? TICK_MILLIS_WHEN_PRESSED : TICK_MILLIS);
                if (first != null) {
                    found.get(0).add(first);
                    more++;
                }
            } catch (InterruptedException e) {
                LOG.trace("asked to close", e);
            }
        }
        foundCount += more;
        waitingCount.addAndGet(more);
        return more;
    }

    private boolean pressed() {
        return closing || trigger.pressing() || trigger.isSettling();
    }

    private long observeNanos() {
        if (trigger.isShort()) {
            return OBSERVE_NANOS_WHEN_SHORT;
        }
        long least = pressed() ? OBSERVE_NANOS_WHEN_PRESSED : OBSERVE_NANOS;
        return Math.max(least, Math.min(PARTS * observationNanos, MOST_OBSERVE_NANOS));
    }

    private void reclaim() {
        long now = System.nanoTime();
        boolean due = calls.next() == 0 || now - lastObservation >= observeNanos();
        if (due && (foundCount > 0 || !waiting.isEmpty() || trigger.isSettling())) {
            if (foundCount > 0) {
                waiting.add(new Batch(calls.next(), now, found, foundCount));
                found = queues.lists();
                foundCount = 0;
            }
            // Thread.getStackTrace truncates deep stacks on newer JVMs.
            Map<Thread, StackTraceElement[]> stacks = Thread.getAllStackTraces();
            lastObservation = System.nanoTime();
            observationNanos = lastObservation - now;
            proved = calls.observe(stacks);
            observations = calls.next();
        }
        Batch batch = waiting.peek();
        while (batch != null && batch.observation <= proved && (pressed() || now - batch.nanos >= GRACE_NANOS)) {
            free(batch);
            waiting.remove();
            batch = waiting.peek();
        }
    }

    private void free(Batch batch) {
        long before = nativeBytes();
        for (int queue = 0; queue < batch.byQueue.size(); queue++) {
            List<Deallocator> dead = batch.byQueue.get(queue);
            if (!dead.isEmpty()) {
                Nd4j.getAffinityManager().unsafeSetDevice(queues.device(queue));
                dead.forEach(this::free);
            }
        }
        waitingCount.addAndGet(-batch.size);
        freedCount.addAndGet(batch.size);
        trigger.freed(before - nativeBytes());
    }

    private void free(Deallocator dead) {
        try {
            dead.deallocate();
        } catch (RuntimeException e) {
            if (!failed) {
                failed = true;
                LOG.error("ND4J could not free native memory, which is lost; logged once", e);
            }
        }
    }

    /** Keeps native memory from growing until the heap is full. */
    private void bound(boolean idle) {
        long now = System.nanoTime();
        long bytes = nativeBytes();
        trigger.measured(bytes);
        if (trigger.isSettling()) {
            if (foundCount == 0
                    && proved >= settlesAt
                    && (waiting.isEmpty() || waiting.peek().observation > settlesAt)) {
                trigger.settled(bytes);
                warned = false;
            } else {
                warnIfStuck(now, bytes);
            }
        } else if (trigger.due(now)) {
            System.gc();
            trigger.asked(now, System.nanoTime());
            // One observation later, everything that this collection found is in a batch.
            settlesAt = calls.next() + 1;
        } else if (idle && periodic(now)) {
            Nd4j.getMemoryManager().invokeGc();
            lastPeriodic = System.nanoTime();
        }
    }

    /** Periodic collection, as ND4J's own thread does it if a program has enabled it. */
    private boolean periodic(long now) {
        int window = Nd4j.getMemoryManager().getAutoGcWindow();
        return Nd4j.getMemoryManager().isPeriodicGcActive()
                && window > 0
                && now - lastPeriodic >= TimeUnit.MILLISECONDS.toNanos(window);
    }

    private void warnIfStuck(long now, long bytes) {
        Batch oldest = waiting.peek();
        if (!warned && oldest != null && now - oldest.nanos > WARN_NANOS) {
            warned = true;
            LOG.warn(
                    "{} dead arrays wait for {} s: {} may still use them. ND4J has {} MB of native memory, above the limit",
                    waitingCount.get(),
                    TimeUnit.NANOSECONDS.toSeconds(now - oldest.nanos),
                    calls.slowest(),
                    bytes >> 20);
        }
    }

    /** The memory that JavaCPP allows this process, including the heap: beyond it, allocations fail. */
    private static long allowedBytes() {
        long bytes = Pointer.maxPhysicalBytes();
        return bytes > 0 ? bytes : 4 * Runtime.getRuntime().maxMemory();
    }

    private long nativeBytes() {
        long bytes = BYTES_PER_OBJECT * (queues.live() + waitingCount.get());
        for (int device = 0; device < queues.devices(); device++) {
            bytes += Nd4j.getEnvironment().getDeviceCouner(device);
        }
        return bytes;
    }

    private static void pause(long nanos) {
        try {
            TimeUnit.NANOSECONDS.sleep(nanos);
        } catch (InterruptedException e) {
            LOG.trace("still busy", e);
        }
    }
}
