package io.gyre.launcher;

import java.util.List;
import java.util.Locale;

/**
 * The memory of the ranks of a host, which adds up to less than the host has.
 *
 * <p>JavaCPP, through which ND4J allocates, refuses more once a process has four times its heap in all, heap included
 * ({@code org.bytedeco.javacpp.maxphysicalbytes}). So the heap decides about both.
 */
final class RankMemory {

    /** Heap of all ranks of a host, in percent of its memory. */
    static final double HEAP_PERCENT = 20;

    /** Collected often enough for native memory to come back, which only collections find. */
    private static final String YOUNG = "-XX:MaxNewSize=256m";

    /** Full collections do not stop the program where the collector can do without. */
    private static final String FULL = "-XX:+ExplicitGCInvokesConcurrent";

    private RankMemory() {}

    /** What the JVM of each of so many ranks is told. It holds for any host, as it counts in percent. */
    static List<String> flags(int ranksOfHost) {
        String heap = String.format(Locale.ROOT, "-XX:MaxRAMPercentage=%.2f", HEAP_PERCENT / ranksOfHost);
        return List.of(heap, YOUNG, FULL);
    }
}
