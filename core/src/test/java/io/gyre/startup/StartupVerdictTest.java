package io.gyre.startup;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.startup.Verdict.Limit;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is said before the first step. */
class StartupVerdictTest {

    private static final long VECTOR = 100_000_000;

    private static Verdict verdict(StartupTable table) {
        return StartupVerdict.of(table, VECTOR, VECTOR);
    }

    @Test
    void moreRanksThanCoresAreNamedWithTheirHost() {
        Verdict verdict = verdict(Facts.together(4, Facts.host("ant", 2, 1, 8L << 30)));

        assertThat(verdict.limit()).isEqualTo(Limit.RANKS);
        assertThat(verdict.text()).contains("4 ranks on ant share 2 cores", "use at most 2 ranks there");
    }

    @Test
    void moreThreadsThanCoresGetTheNumberThatFits() {
        Verdict verdict = verdict(Facts.together(4, Facts.host("ant", 8, 8, 8L << 30)));

        assertThat(verdict.limit()).isEqualTo(Limit.THREADS);
        assertThat(verdict.text()).contains("4 ranks on ant compute with 32 threads on 8 cores", "OMP_NUM_THREADS=2");
    }

    @Test
    void asManyThreadsAsCoresAreNotTooMany() {
        assertThat(verdict(Facts.together(4, Facts.host("ant", 8, 2, 8L << 30))).limit())
                .isEqualTo(Limit.NOTHING);
    }

    @Test
    void ranksThatMayUseDifferentCoresDoNotCompete() {
        HostFacts low = withCpus("0-1", Facts.host("ant", 2, 2, 8L << 30));
        HostFacts high = withCpus("2-3", Facts.host("ant", 2, 2, 8L << 30));

        assertThat(verdict(new StartupTable(List.of(Facts.rank(0, low, 0), Facts.rank(1, high, 0)), List.of()))
                        .limit())
                .isEqualTo(Limit.NOTHING);
        assertThat(verdict(new StartupTable(List.of(Facts.rank(0, low, 0), Facts.rank(1, low, 0)), List.of()))
                        .limit())
                .isEqualTo(Limit.THREADS);
    }

    @Test
    void ranksWithAShareOfTheCoresCompeteOnlyIfTheyShareMemory() {
        HostFacts limited = withCpus("", Facts.host("ant", 2, 2, 8L << 30));

        assertThat(verdict(new StartupTable(List.of(Facts.rank(0, limited, 0), Facts.rank(1, limited, 1)), List.of()))
                        .limit())
                .isEqualTo(Limit.NOTHING);
        assertThat(verdict(new StartupTable(List.of(Facts.rank(0, limited, 0), Facts.rank(1, limited, 0)), List.of()))
                        .limit())
                .isEqualTo(Limit.THREADS);
    }

    private static HostFacts withCpus(String cpus, HostFacts host) {
        return new HostFacts(
                host.host(),
                host.machine(),
                host.gyre(),
                host.java(),
                host.cores(),
                cpus,
                host.threads(),
                host.memoryBytes(),
                host.availableBytes(),
                host.sharedBytes(),
                host.load());
    }

    @Test
    void littleSharedMemoryGetsBothFiguresAndTheRemedy() {
        Verdict verdict = verdict(Facts.together(2, Facts.host("ant", 8, 1, 64 << 20)));

        assertThat(verdict.limit()).isEqualTo(Limit.SHARED_MEMORY);
        assertThat(verdict.text()).contains("/dev/shm of ant has 64.0 MiB free", "381 MiB", "--shm-size");
    }

    @Test
    void sharedMemoryDoesNotMatterToARankThatSharesNone() {
        HostFacts small = Facts.host("ant", 8, 1, 64 << 20);

        assertThat(verdict(new StartupTable(List.of(Facts.rank(0, small, 0)), List.of()))
                        .limit())
                .isEqualTo(Limit.NOTHING);
    }

    @Test
    void theSlowestHostIsNamedWithItsShare() {
        StartupTable table = new StartupTable(
                List.of(
                        Facts.rank(0, Facts.host("ant"), 0, 1),
                        Facts.rank(1, Facts.host("bee"), 1, 0.5),
                        Facts.rank(2, Facts.host("cat"), 2, 0.9)),
                List.of());

        assertThat(verdict(table).limit()).isEqualTo(Limit.HOST);
        assertThat(verdict(table).text())
                .contains("the cores of bee (rank 1) are 50 % as fast")
                .doesNotContain("cat");
    }

    @Test
    void ranksOfOneHostThatDifferAreNoSlowHost() {
        StartupTable table = new StartupTable(
                List.of(Facts.rank(0, Facts.host("ant"), 0, 1), Facts.rank(1, Facts.host("ant"), 0, 0.5)), List.of());

        assertThat(verdict(table).limit()).isEqualTo(Limit.NOTHING);
    }

    @Test
    void betweenHostsTheFloorIsThatOfTheSlowestLink() {
        StartupTable table = new StartupTable(
                List.of(
                        Facts.rank(0, Facts.host("ant"), 0),
                        Facts.rank(1, Facts.host("bee"), 1),
                        Facts.rank(2, Facts.host("cat"), 2)),
                List.of(Facts.link(0, 1, 1e9), Facts.link(1, 2, 100e6)));

        // 2 (N - 1) / N of 75 MB are 100 MB, which take a second at 100 MB/s.
        assertThat(StartupVerdict.of(table, 75_000_000, 75_000_000).text())
                .isEqualTo("an exchange of 75.0 MB takes at least about 1.00 s over rank 1 to 2 (sealed UDP, 50.0 us,"
                        + " 100 MB/s)");
    }

    @Test
    void whatIsEncodedBetweenHostsHasALowerFloor() {
        assertThat(StartupVerdict.of(Facts.apart(100e6), VECTOR, VECTOR / 2).text())
                .contains("an exchange of 50.0 MB takes at least about 500 ms");
    }

    @Test
    void inSharedMemoryTheFloorIsACopy() {
        assertThat(StartupVerdict.of(Facts.together(2, Facts.host("ant")), VECTOR, VECTOR / 2)
                        .text())
                .isEqualTo("an exchange of 100 MB takes at least about 10.0 ms over shared memory at 10.0 GB/s");
    }

    @Test
    void withoutAnExchangeOfAllRanksThereIsNoFloor() {
        assertThat(StartupVerdict.of(Facts.together(2, Facts.host("ant")), VECTOR, 0)
                        .text())
                .isEqualTo("nothing stands out");
    }
}
