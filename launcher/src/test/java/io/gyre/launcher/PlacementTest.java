package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class PlacementTest {

    @Test
    void neighboursShareAHostAndTheFirstHostsTakeOneMore() {
        assertThat(Placement.spread(5, List.of("a", "b"), "b"::equals))
                .containsExactly(
                        new Placement(0, 5, "a", false, 0, 3),
                        new Placement(1, 5, "a", false, 1, 3),
                        new Placement(2, 5, "a", false, 2, 3),
                        new Placement(3, 5, "b", true, 0, 2),
                        new Placement(4, 5, "b", true, 1, 2));
    }
}
