package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RankMemoryTest {

    /** Total memory of a process as a multiple of its heap; a test of gyre-dl4j checks this of JavaCPP. */
    private static final int HEAPS_PER_PROCESS = 4;

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64})
    void allRanksOfAHostHaveLessThanTheHost(int ranks) {
        String flag = "-XX:MaxRAMPercentage=";
        double heap = RankMemory.flags(ranks).stream()
                .filter(given -> given.startsWith(flag))
                .mapToDouble(given -> Double.parseDouble(given.substring(flag.length())))
                .sum();

        assertThat(heap * ranks * HEAPS_PER_PROCESS).isBetween(70.0, 90.0);
    }
}
