package io.gyre.dl4j.memory;

import java.lang.ref.ReferenceQueue;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.Deallocator;
import org.nd4j.linalg.api.memory.deallocation.DeallocatableReference;
import org.nd4j.linalg.api.memory.deallocation.DeallocatorService;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's queues of unreachable arrays, workspaces and contexts, and the threads that free them. ND4J has no API for
 * this; the class accesses private fields of 1.0.0-M2.1.
 */
final class DeallocationQueues {

    private static final long THREADS_END_SECONDS = 30;

    private final DeallocatorService service;
    private final Thread[] threads;
    private final ReferenceQueue<?>[] queues;
    private final Map<?, ?> live;
    private final int devices;

    /** The queues of this JVM's ND4J. They stay ND4J's until {@link #takeOver}. */
    DeallocationQueues() {
        service = Nd4j.getDeallocatorService();
        threads = (Thread[]) field("deallocatorThreads");
        queues = (ReferenceQueue<?>[]) field("queues");
        live = (Map<?, ?>) field("referenceMap");
        devices = Math.max(1, Nd4j.getAffinityManager().getNumberOfDevices());
    }

    private Object field(String name) {
        try {
            Field field = DeallocatorService.class.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(service);
        } catch (ReflectiveOperationException e) {
            throw unknown(e);
        }
    }

    private static UnsupportedOperationException unknown(ReflectiveOperationException e) {
        return new UnsupportedOperationException(
                "safe reclamation knows ND4J 1.0.0-M2.1, and this is another version (" + e
                        + "): leave SafeReclamation.install() out, or switch it off with safeReclamation(false)",
                e);
    }

    /** Whether ND4J frees memory automatically: not with {@code -Dorg.nd4j.noarraygc=true}. */
    boolean inUse() {
        return queues[0] != null;
    }

    int count() {
        return queues.length;
    }

    /** Device whose memory a queue frees. */
    int device(int queue) {
        return queue % devices;
    }

    int devices() {
        return devices;
    }

    /** Number of objects with native memory that have not been through a queue yet. */
    int live() {
        return live.size();
    }

    /** Ends ND4J's threads. They first free what is in their queues. */
    void takeOver() {
        for (Thread thread : threads) {
            thread.interrupt();
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(THREADS_END_SECONDS);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    copyBack();
                    throw new IllegalStateException("ND4J's thread " + thread.getName() + " did not end within "
                            + THREADS_END_SECONDS + " s and still frees memory: safe reclamation is not possible");
                }
                try {
                    TimeUnit.NANOSECONDS.timedJoin(thread, left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Starts ND4J's own threads for the queues that have none. */
    void copyBack() {
        try {
            Constructor<?> constructor = Class.forName(
                            DeallocatorService.class.getName() + "$DeallocatorServiceThread",
                            true,
                            DeallocatorService.class.getClassLoader())
                    .getDeclaredConstructor(DeallocatorService.class, ReferenceQueue.class, int.class, int.class);
            constructor.setAccessible(true);
            for (int i = 0; i < threads.length; i++) {
                if (!threads[i].isAlive()) {
                    Thread thread = (Thread) constructor.newInstance(service, queues[i], i, device(i));
                    thread.setName("DeallocatorServiceThread_" + i);
                    thread.setDaemon(true);
                    threads[i] = thread;
                    thread.start();
                }
            }
        } catch (ReflectiveOperationException e) {
            throw unknown(e);
        }
    }

    /** Moves up to {@code most} elements of a queue to a list. */
    int drain(int queue, List<Deallocator> into, int most) {
        int drained = 0;
        while (drained < most && queues[queue].poll() instanceof DeallocatableReference found) {
            into.add(take(found));
            drained++;
        }
        return drained;
    }

    /** Waits for an element of the first queue; null on timeout. */
    @Nullable Deallocator await(long millis) throws InterruptedException {
        return queues[0].remove(millis) instanceof DeallocatableReference found ? take(found) : null;
    }

    private Deallocator take(DeallocatableReference found) {
        live.remove(found.getId());
        return found.getDeallocator();
    }

    /** One list for each queue. */
    List<List<Deallocator>> lists() {
        List<List<Deallocator>> lists = new ArrayList<>();
        for (int i = 0; i < count(); i++) {
            lists.add(new ArrayList<>());
        }
        return lists;
    }
}
