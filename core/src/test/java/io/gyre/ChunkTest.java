package io.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkTest {

    @ParameterizedTest(name = "{0} chunks of {1} elements")
    @CsvSource({"1, 0", "1, 7", "2, 1", "3, 2", "4, 8", "4, 9", "4, 11", "7, 100", "16, 5", "16, 6442450943"})
    void chunksCoverTheVectorOnceAndDifferByAtMostOne(int count, long elements) {
        long end = 0;
        for (int i = 0; i < count; i++) {
            Chunk chunk = Chunk.of(i, count, elements);
            assertThat(chunk.offset()).isEqualTo(end).isEqualTo(Chunk.offset(i, count, elements));
            assertThat(chunk.length()).isBetween(elements / count, elements / count + 1);
            end += chunk.length();
        }
        assertThat(end).isEqualTo(elements).isEqualTo(Chunk.offset(count, count, elements));
    }

    @ParameterizedTest
    @ValueSource(ints = {-8, -4, 0, 4, 8})
    void indicesGoAroundTheRing(int turn) {
        assertThat(Chunk.of(3 + turn, 4, 10)).isEqualTo(Chunk.of(3, 4, 10)).isEqualTo(new Chunk(8, 2));
    }
}
