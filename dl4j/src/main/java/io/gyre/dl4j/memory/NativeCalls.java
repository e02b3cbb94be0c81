package io.gyre.dl4j.memory;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Proves that no thread still uses the memory of an unreachable array.
 *
 * <p>The address of such memory can only be held by a method of ND4J that took it while the array was reachable: one
 * that has been running, in Java or in native code, since before the array was found unreachable. Repeated observation
 * of all stacks shows when it has ended:
 *
 * <ul>
 *   <li>the thread has no frame of a class that takes addresses, or
 *   <li>its outermost such frame belongs to another call than before: as long as a call runs, the frames of its callers
 *       stay where they are, to the line. A difference is a proof; equality is none, as the same line may have called
 *       again.
 * </ul>
 *
 * <p>Of a virtual thread only the carrier is visible. As long as a carrier runs virtual threads, it counts as in one
 * call.
 *
 * <p>Observations are numbered from 0. What was found unreachable before observation {@code n} may be freed once {@link
 * #observe} returns {@code n} or more. Used by one thread.
 */
final class NativeCalls {

    /** Name prefixes of classes that take addresses of memory. A test searches ND4J's jars for others. */
    private static final List<String> TAKE_ADDRESSES = List.of(
            "jdk.internal.vm.Continuation", // stands for the virtual thread that a carrier runs
            "org.bytedeco.",
            "org.nd4j.compression.",
            "org.nd4j.jita.",
            "org.nd4j.linalg.api.buffer.",
            "org.nd4j.linalg.api.memory.",
            "org.nd4j.linalg.api.ops.BaseOp",
            "org.nd4j.linalg.api.ops.random.BaseRandomOp",
            "org.nd4j.linalg.compression.",
            "org.nd4j.linalg.cpu.",
            "org.nd4j.linalg.factory.Nd4j",
            "org.nd4j.linalg.jcublas.",
            "org.nd4j.linalg.profiler.",
            "org.nd4j.nativeblas.",
            "org.nd4j.rng.",
            "org.nd4j.serde.");

    /** Threads that run for ever, and hold only addresses that no other thread holds. */
    private static final List<String> SERVICES = List.of(
            "org.bytedeco.javacpp.Pointer$DeallocatorThread",
            "org.nd4j.rng.deallocator.NativeRandomDeallocator$DeallocatorThread",
            "org.nd4j.linalg.api.memory.deallocation.DeallocatorService$DeallocatorServiceThread",
            "org.nd4j.jita.allocator.impl.AtomicAllocator$ZeroGarbageCollectorThread",
            "org.nd4j.jita.allocator.impl.AtomicAllocator$DeviceGarbageCollectorThread");

    /**
     * What is known of a thread: it holds nothing that was found unreachable before observation {@code safe}; and the
     * call in which it was seen.
     */
    private record Seen(long safe, @Nullable Call call) {}

    /** A call of a method that takes addresses, by the frames that cannot change while it runs. */
    private static final class Call {

        private final StackTraceElement[] stack;
        private final int outermost;

        Call(StackTraceElement[] stack, int outermost) {
            this.stack = stack;
            this.outermost = outermost;
        }

        StackTraceElement frame() {
            return stack[outermost];
        }

        boolean mayBe(Call other) {
            int callers = stack.length - outermost;
            if (callers != other.stack.length - other.outermost
                    || !frame().getClassName().equals(other.frame().getClassName())
                    || !frame().getMethodName().equals(other.frame().getMethodName())) {
                return false;
            }
            for (int i = 1; i < callers; i++) {
                if (!stack[stack.length - i].equals(other.stack[other.stack.length - i])) {
                    return false;
                }
            }
            return true;
        }
    }

    private Map<Thread, Seen> threads = new HashMap<>();
    private long observation = -1;
    private long safe = -1;

    /** Number of the next observation. */
    long next() {
        return observation + 1;
    }

    /**
     * Observes all threads.
     *
     * @param stacks complete, of all live threads, innermost frame first: {@code Thread.getAllStackTraces()}
     * @return the last observation before which everything found unreachable may be freed; -1 if there is none
     */
    long observe(Map<Thread, StackTraceElement[]> stacks) {
        observation++;
        Map<Thread, Seen> now = new HashMap<>(2 * stacks.size());
        safe = observation;
        for (Map.Entry<Thread, StackTraceElement[]> entry : stacks.entrySet()) {
            Seen seen = look(threads.get(entry.getKey()), entry.getValue());
            now.put(entry.getKey(), seen);
            safe = Math.min(safe, seen.safe);
        }
        threads = now;
        return safe;
    }

    private Seen look(@Nullable Seen before, StackTraceElement[] stack) {
        int outermost = outermost(stack);
        if (outermost < 0) {
            return new Seen(observation, null);
        }
        Call call = new Call(stack, outermost);
        if (before != null && before.call != null && call.mayBe(before.call)) {
            return before;
        }
        // A different call began after the last observation, as did the first call of a thread that did not exist then.
        return new Seen(observation - 1, call);
    }

    /** Index of the outermost frame that may hold an address; -1 if there is none. */
    private static int outermost(StackTraceElement[] stack) {
        for (int i = stack.length - 1; i >= 0; i--) {
            if (mayHoldAddress(stack[i].getClassName())) {
                return i;
            }
        }
        return -1;
    }

    /** Whether a method of this class may have taken the address of an array's memory. */
    static boolean mayHoldAddress(String className) {
        for (String beginning : TAKE_ADDRESSES) {
            if (className.startsWith(beginning)) {
                return !SERVICES.contains(className);
            }
        }
        return false;
    }

    /** Describes the thread that delays freeing the longest, and its call; empty if none does. */
    String slowest() {
        for (Map.Entry<Thread, Seen> entry : threads.entrySet()) {
            Call call = entry.getValue().call;
            if (call != null && entry.getValue().safe == safe) {
                return "thread \"" + entry.getKey().getName() + "\" in " + call.frame();
            }
        }
        return "";
    }
}
