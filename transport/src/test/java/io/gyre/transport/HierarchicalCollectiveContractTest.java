package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ReduceOp;
import io.gyre.allreduce.Collectives;
import io.gyre.allreduce.HierarchicalCollective;
import io.gyre.allreduce.RingCollective;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.CollectiveContract;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One, two or three hosts, by name: shared memory inside each, UDP between them. */
class HierarchicalCollectiveContractTest extends CollectiveContract {

    @TempDir
    Path directory;

    @Override
    protected LocalCluster cluster(int ranks) {
        // Neighbours by number are on different hosts, so that the test assumes no order of ranks.
        return onHosts(ranks, ranks % 3 == 0 ? 3 : ranks % 2 == 0 ? 2 : 1);
    }

    private LocalCluster onHosts(int ranks, int hosts) {
        return AeronCluster.onHosts(ranks, rank -> "host" + rank % hosts, directory);
    }

    @Override
    protected Collective collective(Endpoint endpoint) {
        return new HierarchicalCollective(endpoint);
    }

    @Override
    protected IntStream worlds() {
        return IntStream.of(1, 2, 4, 6);
    }

    @Test
    void isChosenWhereEveryHostHasAsManyRanks() throws Exception {
        assertThat(chosen(4, 2)).containsOnly(HierarchicalCollective.class);
    }

    @Test
    void isNotChosenWhereHostsDiffer() throws Exception {
        assertThat(chosen(3, 2)).containsOnly(RingCollective.class);
    }

    @Test
    void isNotChosenWhereEveryHostHasOneRank() throws Exception {
        assertThat(chosen(2, 2)).containsOnly(RingCollective.class);
    }

    private List<Class<?>> chosen(int ranks, int hosts) throws InterruptedException {
        return onHosts(ranks, hosts).call(session -> {
            try (Collective collective = Collectives.choose(session.endpoint())) {
                collective.barrier(0);
                return collective.getClass();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 100_000})
    void aRankThatCallsSomethingElseEndsTheCallsOnAllHosts(int length) {
        Queue<GyreException> all = new ConcurrentLinkedQueue<>();

        assertThatThrownBy(() -> onHosts(4, 2).run(session -> {
                    try (Collective collective = new HierarchicalCollective(session.endpoint())) {
                        int own = session.world().rank() == 3 ? length + 1 : length;
                        collective.allReduce(
                                Region.allocate("data", own * 4L), ElementType.FLOAT32, ReduceOp.SUM, 7, 0);
                    } catch (GyreException e) {
                        all.add(e);
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);

        assertThat(all).hasSize(4).anyMatch(DisagreementException.class::isInstance);
    }

    @Test
    void hostsWithDifferentNumbersOfRanksAreRefused() {
        assertThatThrownBy(() -> onHosts(3, 2).run(session -> new HierarchicalCollective(session.endpoint())))
                .hasMessageContaining("the hosts have different numbers of ranks, [[0, 2], [1]]");
    }
}
