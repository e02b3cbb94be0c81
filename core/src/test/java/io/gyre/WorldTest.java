package io.gyre;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class WorldTest {

    @Test
    void neighboursCloseTheRing() {
        assertThat(new World(0, 3).left()).isEqualTo(2);
        assertThat(new World(2, 3).right()).isZero();
        assertThat(new World(0, 1).left()).isZero();
        assertThat(new World(0, 1).right()).isZero();
    }

    @Test
    void onlyRankZeroSpeaksForAll() {
        assertThat(new World(0, 2).isRoot()).isTrue();
        assertThat(new World(1, 2).isRoot()).isFalse();
    }

    @Test
    void ranksOutsideAreRefusedWithTheirNumber() {
        assertThatIllegalArgumentException().isThrownBy(() -> new World(0, 0)).withMessageContaining("size 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new World(3, 3))
                .withMessage("rank 3 is outside a world of 3 ranks (0 to 2)");
        assertThatIllegalArgumentException().isThrownBy(() -> new World(-1, 3));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new World(0, 3).checkRank(7))
                .withMessageContaining("rank 7");
    }
}
