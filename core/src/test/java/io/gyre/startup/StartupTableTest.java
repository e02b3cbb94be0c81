package io.gyre.startup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ProtocolException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of all ranks: its text, and the clocks in it. */
class StartupTableTest {

    private static final StartupTable HOSTS = new StartupTable(
            List.of(
                    Facts.rank(0, Facts.host("ant"), 0),
                    Facts.rank(1, Facts.host("ant"), 0),
                    Facts.rank(2, Facts.host("bee"), 2),
                    Facts.rank(3, Facts.host("cat"), 3)),
            List.of(
                    new Link(0, 1, "shared memory", 80, 0, ClockDifference.NONE),
                    new Link(0, 2, "sealed UDP", 5_000, 1e8, new ClockDifference(100, 1_000, 10)),
                    new Link(3, 2, "sealed UDP", 5_000, 2e8, new ClockDifference(-40, -400, 5))));

    @Test
    void itsTextReadsBackAsTheSameTable() {
        assertThat(StartupTable.parse(HOSTS.text())).isEqualTo(HOSTS);
    }

    @Test
    void namesOfHostsCannotForgeLines() {
        StartupTable forged = new StartupTable(List.of(Facts.rank(0, Facts.host("ant\nrank\t7\tbee"), 0)), List.of());

        assertThat(StartupTable.parse(forged.text()).ranks()).singleElement().satisfies(rank -> {
            assertThat(rank.rank()).isZero();
            assertThat(rank.host().host()).isEqualTo("ant rank 7 bee");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"rank\t1\tant", "link\t0\t1\tudp\tsoon\t1\t1\t1\t1", "link\t0\t-1\tudp\t1\t1\t1\t1", "?"})
    void otherTextsAreRejected(String text) {
        assertThatThrownBy(() -> StartupTable.parse(text))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("start-up check");
    }

    @Test
    void aLineThatGoesOnIsRejected() {
        assertThatThrownBy(() -> StartupTable.parse(HOSTS.text().replace("\n", "\tmore\n")))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("goes on");
    }

    @Test
    void clocksAreThoseOfTheFirstRankPlusTheLinksOnTheWay() {
        assertThat(HOSTS.clockOf(0)).contains(ClockDifference.NONE);
        assertThat(HOSTS.clockOf(1)).contains(ClockDifference.NONE);
        assertThat(HOSTS.clockOf(2)).contains(new ClockDifference(100, 1_000, 10));
        assertThat(HOSTS.clockOf(3)).contains(new ClockDifference(140, 1_400, 15));
    }

    @Test
    void ranksWithAnotherJavaAreNamedWithTheirVersions() {
        String ofBee = "bee\tkernel of bee\t0.1.0\t";
        StartupTable mixed = StartupTable.parse(HOSTS.text().replace(ofBee + "17.0.15", ofBee + "25.0.3"));

        assertThat(HOSTS.differentJava()).isEmpty();
        assertThat(mixed.differentJava()).isEqualTo("rank 0 on ant runs Java 17.0.15, rank 2 on bee runs Java 25.0.3");
    }

    @Test
    void withoutLinksAClockIsUnknown() {
        assertThat(new StartupTable(HOSTS.ranks(), List.of()).clockOf(2)).isEmpty();
    }

    @Test
    void theEstimateIsTheMiddleOfTheRoundTripWithHalfOfItAsBound() {
        // Sent at 1000, back at 1300; the other's clock showed 5150 in between.
        assertThat(ClockDifference.of(1_000, 10_000, 300, 5_150, 10_150)).isEqualTo(new ClockDifference(4_000, 0, 150));
    }

    @Test
    void theSummaryNamesHostsAndTheSlowestLink() {
        assertThat(HOSTS.summary())
                .isEqualTo("2 ranks on ant with 8 cores, 1 thread each, memory at 10.0 GB/s; 1 rank on bee with 8"
                        + " cores, 1 thread each, memory at 10.0 GB/s; 1 rank on cat with 8 cores, 1 thread each, memory at"
                        + " 10.0 GB/s; the slowest of 3 links: rank 0 to 2 (sealed UDP, 5.00 us, 100 MB/s)");
    }
}
