package io.gyre.startup;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.startup.Verdict.Limit;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said once steps have been measured. */
class StepVerdictTest {

    private static final StartupTable TOGETHER = Facts.together(2, Facts.host("ant"));
    private static final StartupTable APART = Facts.apart(100e6);

    @Test
    void ranksThatWaitLittleAreLimitedByComputing() {
        Verdict verdict =
                StepVerdict.of(APART, List.of(Facts.costs(0, 1, 4, 4_000_000), Facts.costs(1, 2, 6, 4_000_000)));

        assertThat(verdict.limit()).isEqualTo(Limit.COMPUTING);
        assertThat(verdict.text())
                .isEqualTo("computing limits this run: of a step of 100 ms, the exchange takes 4 % and waiting for"
                        + " data 1 %");
    }

    @Test
    void onOneHostOneRankWithTheThreadsOfAllWouldSaveTheExchange() {
        Verdict verdict = StepVerdict.of(TOGETHER, List.of(Facts.costs(0, 0, 9, 0), Facts.costs(1, 0, 10, 0)));

        assertThat(verdict.limit()).isEqualTo(Limit.COMPUTING);
        assertThat(verdict.text()).contains("the exchange takes 9 %", "one rank with 2 threads", "about 10 % faster");
    }

    @Test
    void oneRankGetsNoMoreThreadsThanThereAreCores() {
        StartupTable crowded = Facts.together(4, Facts.host("ant", 2, 1, 8L << 30));

        assertThat(StepVerdict.of(crowded, List.of(Facts.costs(0, 0, 9, 0), Facts.costs(1, 0, 9, 0)))
                        .text())
                .contains("one rank with 2 threads");
    }

    @Test
    void ranksWhoseThreadsAreUnknownGetNoSuchAdvice() {
        StartupTable onGpus = Facts.together(2, Facts.host("ant", 8, 0, 8L << 30));

        assertThat(StepVerdict.of(onGpus, List.of(Facts.costs(0, 0, 9, 0), Facts.costs(1, 0, 9, 0)))
                        .text())
                .doesNotContain("one rank");
    }

    @Test
    void waitingForMessagesIsTheNetworkWithItsSlowestLinkAndFloor() {
        Verdict verdict =
                StepVerdict.of(APART, List.of(Facts.costs(0, 0, 60, 4_000_000), Facts.costs(1, 0, 62, 4_000_000)));

        assertThat(verdict.limit()).isEqualTo(Limit.NETWORK);
        assertThat(verdict.text())
                .startsWith("the network limits this run: the exchange takes 60 % of a step of 100 ms for 8.00 MB")
                .contains("at least 40.0 ms over rank 0 to 1 (sealed UDP, 50.0 us, 100 MB/s)")
                .doesNotContain("one rank");
    }

    @Test
    void waitingInSharedMemoryIsNotTheNetwork() {
        Verdict verdict = StepVerdict.of(TOGETHER, List.of(Facts.costs(0, 0, 50, 0), Facts.costs(1, 0, 50, 0)));

        assertThat(verdict.limit()).isEqualTo(Limit.MEMORY);
        assertThat(verdict.text()).contains("ranks of a host", "one rank with 2 threads", "about 100 % faster");
    }

    @Test
    void theRankForWhichTheOthersWaitIsNamed() {
        Verdict verdict =
                StepVerdict.of(APART, List.of(Facts.costs(0, 0, 60, 4_000_000), Facts.costs(1, 0, 1, 4_000_000)));

        assertThat(verdict.limit()).isEqualTo(Limit.RANK);
        assertThat(verdict.text())
                .startsWith("rank 1 on bee limits this run: its own part of a step takes 99.0 ms, that of the others"
                        + " 40.0 ms");
    }

    @Test
    void aRankThatWaitsForItsDataIsNamedWithThem() {
        Verdict verdict =
                StepVerdict.of(APART, List.of(Facts.costs(0, 0, 60, 4_000_000), Facts.costs(1, 70, 1, 4_000_000)));

        assertThat(verdict.limit()).isEqualTo(Limit.RANK);
        assertThat(verdict.text()).contains("rank 1 on bee", "waits for its data for 70.0 ms");
    }

    @Test
    void dataForWhichAllRanksWaitLimitThemAll() {
        Verdict verdict =
                StepVerdict.of(APART, List.of(Facts.costs(0, 50, 5, 4_000_000), Facts.costs(1, 50, 5, 4_000_000)));

        assertThat(verdict.limit()).isEqualTo(Limit.DATA);
        assertThat(verdict.text()).contains("50 % of a step of 100 ms");
    }

    @Test
    void aRankThatJudgesAloneIsComparedWithNobody() {
        assertThat(StepVerdict.of(APART, List.of(Facts.costs(0, 0, 40, 4_000_000)))
                        .limit())
                .isEqualTo(Limit.NETWORK);
        assertThat(StepVerdict.of(APART, List.of(Facts.costs(0, 0, 4, 4_000_000)))
                        .limit())
                .isEqualTo(Limit.COMPUTING);
    }
}
