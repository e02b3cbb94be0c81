package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplayWindowTest {

    private final ReplayWindow window = new ReplayWindow();

    /** Jumps of all sizes, within words and over many windows, and then counters around each edge. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void itSaysWhatASetOfAllCountersWouldSay(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Set<Long> received = new HashSet<>();
        long highest = 0;
        int replayed = 0;
        for (int i = 0; i < 200_000; i++) {
            long counter = Math.max(-2, next(random, highest));
            boolean isNew = counter > 0 && counter > highest - ReplayWindow.WIDTH && !received.contains(counter);

            assertThat(window.isNew(counter))
                    .as("%d after %d", counter, highest)
                    .isEqualTo(isNew);
            if (isNew) {
                window.add(counter);
                received.add(counter);
                highest = Math.max(highest, counter);
            } else {
                replayed++;
            }
        }
        assertThat(received).hasSizeGreaterThan(10_000);
        assertThat(replayed).isGreaterThan(10_000);
    }

    private static long next(SplittableRandom random, long highest) {
        return switch (random.nextInt(8)) {
            case 0 -> highest + random.nextLong(1, 3);
            case 1 -> highest + random.nextLong(1, 100);
            case 2 -> random.nextInt(50) > 0 ? highest : highest + random.nextLong(1, 3 * ReplayWindow.WIDTH);
            case 3 -> highest - random.nextLong(ReplayWindow.WIDTH);
            case 4 -> highest - ReplayWindow.WIDTH + random.nextLong(-70, 70);
            case 5 -> (highest / Long.SIZE + random.nextLong(-33, 3)) * Long.SIZE + random.nextLong(-1, 2);
            default -> highest - random.nextLong(0, 64);
        };
    }

    @Test
    void theWholeWidthIsRememberedWhereverTheHighestCounterIs() {
        for (long highest = ReplayWindow.WIDTH; highest < 2 * ReplayWindow.WIDTH; highest++) {
            ReplayWindow each = new ReplayWindow();
            for (long counter = highest - ReplayWindow.WIDTH + 1; counter <= highest; counter++) {
                each.add(counter);
            }
            for (long counter = 0; counter <= highest; counter++) {
                assertThat(each.isNew(counter)).isFalse();
            }
        }
    }

    @Test
    void theLastCounterIsOne() {
        assertThat(window.isNew(Long.MAX_VALUE)).isTrue();
        window.add(Long.MAX_VALUE);

        assertThat(window.isNew(Long.MAX_VALUE)).isFalse();
        assertThat(window.isNew(Long.MAX_VALUE - 1)).isTrue();
        assertThat(window.isNew(Long.MIN_VALUE)).isFalse();
    }
}
