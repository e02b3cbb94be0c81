package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.Collectives;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.startup.Link;
import io.gyre.startup.RankFacts;
import io.gyre.startup.StartupCheck;
import io.gyre.startup.StartupCheck.Links;
import io.gyre.startup.StartupTable;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The start-up check over Aeron, and a collective on the same lane after it. */
@Timeout(120)
class StartupCheckTest {

    @TempDir
    private Path directory;

    private static StartupTable check(LocalCluster cluster, Links links) throws InterruptedException {
        List<StartupTable> tables = cluster.call(session -> {
            StartupTable table = StartupCheck.run(session, 1, links);
            try (Collective collective = Collectives.choose(session.endpoint())) {
                collective.barrier(1);
            }
            return table;
        });
        assertThat(tables).containsOnly(tables.get(0));
        return tables.get(0);
    }

    @ParameterizedTest
    @EnumSource(
            value = TransportMode.class,
            names = {"UDP", "IPC"})
    void ranksThatExchangeMessagesMeasureLinks(TransportMode mode) throws Exception {
        StartupTable table = check(AeronCluster.of(2, mode, directory), Links.NEIGHBOURS);

        assertThat(table.links()).singleElement().satisfies(link -> {
            assertThat(link.kind()).isEqualTo(mode == TransportMode.UDP ? "sealed UDP" : "messages in shared memory");
            assertThat(link.delayNanos()).isPositive();
            assertThat(link.bytesPerSecond()).isPositive();
            // Both ranks are in this JVM.
            assertThat(Math.abs(link.clock().nanos()))
                    .isLessThanOrEqualTo(link.clock().errorNanos());
        });
    }

    @Test
    void everyPairOfHostsIsMeasured() throws Exception {
        StartupTable table = check(AeronCluster.onHosts(3, rank -> "host " + rank, directory), Links.EVERY_PAIR);

        assertThat(table.links()).hasSize(3).extracting(Link::kind).containsOnly("sealed UDP");
        assertThat(table.clockOf(2)).isPresent();
    }

    @Test
    void ranksOfAHostMeasureItsMemoryAndTheFirstOfThemTheNetwork() throws Exception {
        StartupTable table =
                check(AeronCluster.onHosts(4, rank -> rank < 2 ? "ant" : "bee", directory), Links.NEIGHBOURS);

        assertThat(table.ranks()).extracting(RankFacts::memoryOf).containsExactly(0, 0, 2, 2);
        assertThat(table.links())
                .extracting(link -> link.from() + " to " + link.to() + ", " + link.kind())
                .containsExactlyInAnyOrder("0 to 1, shared memory", "2 to 3, shared memory", "0 to 2, sealed UDP");
    }

    @Test
    void ranksThatShareMemorySendNoFrames() throws Exception {
        AeronCluster.of(2, TransportMode.SHM, directory).run(session -> {
            long before = session.bytesSent();
            StartupTable table = StartupCheck.run(session, 1, Links.NEIGHBOURS);
            assertThat(table.links()).singleElement().extracting(Link::kind).isEqualTo("shared memory");
            assertThat(session.bytesSent()).isEqualTo(before);
        });
    }
}
