package io.gyre.launcher;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Limits the memory of the ranks of a host so that their sum fits into the host's memory.
 *
 * <p>JavaCPP, through which ND4J allocates, refuses allocations once a process uses four times its heap size in total,
 * including the heap ({@code org.bytedeco.javacpp.maxphysicalbytes}). So the heap size limits both.
 */
final class RankMemory {

    /** Heap of all ranks of a host together, in percent of its memory. */
    static final double HEAP_PERCENT = 20;

    /** Makes young collections frequent: only collections reclaim native memory. */
    private static final String YOUNG = "-XX:MaxNewSize=256m";

    /** Explicit full collections run concurrently if the collector supports that. */
    private static final String FULL = "-XX:+ExplicitGCInvokesConcurrent";

    /**
     * G1 marks old objects once they fill this part of the heap. Left to itself it waits until they nearly fill it:
     * young collections keep pace, and it does not see the native memory behind the dead ones.
     */
    private static final List<String> MARKING =
            List.of("-XX:-G1UseAdaptiveIHOP", "-XX:InitiatingHeapOccupancyPercent=40");

    private RankMemory() {}

    /** JVM flags for each of this many ranks on a host. Percentages fit any host. */
    static List<String> flags(int ranksOfHost) {
        String heap = String.format(Locale.ROOT, "-XX:MaxRAMPercentage=%.2f", HEAP_PERCENT / ranksOfHost);
        List<String> flags = new ArrayList<>(List.of(heap, YOUNG, FULL));
        flags.addAll(MARKING);
        return flags;
    }
}
