package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class KillFiguresTest {

    @Test
    void theyComeWithWhatOthersTookBesidesOurLoad() {
        assertThat(KillFigures.machine(0.014, 0).lines())
                .containsExactly("other programs took 1 % of this host's processor time meanwhile");
        assertThat(KillFigures.machine(0.014, 20).lines())
                .containsExactly("other programs took 1 % of this host's processor time meanwhile, besides the load of"
                        + " 20 processes, which is ours");
        assertThat(KillFigures.machine(null, 0)).contains("an unknown share").doesNotContain("WARNING");
        assertThat(KillFigures.machine(0.3, 0)).contains("took 30 %", "WARNING");
    }
}
