package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RecordingEndpoint.Sent;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What travels between hosts, and between which ranks. The hosts are a division of the ranks of one JVM. */
@Timeout(60)
class HierarchicalCollectiveTest {

    private static final int MAX_PAYLOAD = 4096;

    static Stream<Arguments> hosts() {
        return Stream.of(
                Arguments.of(new Hosts(List.of(List.of(0, 1), List.of(2, 3)))),
                Arguments.of(new Hosts(List.of(List.of(0, 3), List.of(1, 2)))),
                Arguments.of(new Hosts(List.of(List.of(0, 2, 4), List.of(1, 3, 5)))),
                Arguments.of(new Hosts(List.of(List.of(0, 1), List.of(2, 3), List.of(4, 5)))),
                Arguments.of(new Hosts(List.of(List.of(0), List.of(1)))),
                Arguments.of(new Hosts(List.of(List.of(0, 1, 2)))));
    }

    @ParameterizedTest
    @MethodSource("hosts")
    void aLongVectorIsReducedInItsColumnsByOneChunkEach(Hosts hosts) throws Exception {
        int count = hosts.ranksByHost().size();
        int each = hosts.ranksEach();
        long bytes = 96_000L * each * count;

        List<List<Sent>> sent = Gyre.local(count * each).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), MAX_PAYLOAD);
            Region data = Region.allocate("data", bytes);
            for (long at = 0; at < bytes; at += Float.BYTES) {
                data.putFloat(at, session.world().rank() + 1);
            }
            try (HierarchicalCollective collective =
                    new HierarchicalCollective(endpoint, hosts, new ScalarKernels(), null)) {
                collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            }
            float sum = count * each * (count * each + 1) / 2f;
            assertThat(Floats.read(data)).containsOnly(sum);
            return endpoint.sent();
        });

        for (int rank = 0; rank < count * each; rank++) {
            checkColumn(hosts, rank, sent.get(rank), 2 * (bytes / each) * (count - 1) / count);
        }
    }

    @ParameterizedTest
    @MethodSource("hosts")
    void aShortVectorIsReducedAsAWholeInEveryColumn(Hosts hosts) throws Exception {
        int count = hosts.ranksByHost().size();
        int ranks = count * hosts.ranksEach();

        List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), MAX_PAYLOAD);
            Region data = Floats.region(session.world().rank() + 1, 1, 2);
            try (HierarchicalCollective collective =
                    new HierarchicalCollective(endpoint, hosts, new ScalarKernels(), null)) {
                collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            }
            assertThat(Floats.read(data)).containsExactly(ranks * (ranks + 1) / 2f, ranks, 2 * ranks);
            return endpoint.sent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            // In one shot.
            checkColumn(hosts, rank, sent.get(rank), 3L * Float.BYTES * (count - 1));
        }
    }

    @ParameterizedTest
    @MethodSource("hosts")
    void aBroadcastTravelsInTheColumnOfItsRoot(Hosts hosts) throws Exception {
        int count = hosts.ranksByHost().size();
        int ranks = count * hosts.ranksEach();
        for (int from = 0; from < ranks; from++) {
            int root = from;

            List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
                RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), MAX_PAYLOAD);
                Region data = Floats.region(Floats.of(session.world().rank(), 100));
                try (HierarchicalCollective collective =
                        new HierarchicalCollective(endpoint, hosts, new ScalarKernels(), null)) {
                    collective.broadcast(data, root, 0, 0);
                }
                assertThat(Floats.read(data)).isEqualTo(Floats.of(root, 100));
                return endpoint.sent();
            });

            long total = 0;
            for (int rank = 0; rank < ranks; rank++) {
                List<Sent> frames = sent.get(rank);
                long bytes = frames.stream().mapToLong(Sent::bytes).sum();
                checkColumn(hosts, rank, frames, bytes);
                assertThat(frames.isEmpty() || hosts.placeOf(rank) == hosts.placeOf(root))
                        .isTrue();
                total += bytes;
            }
            assertThat(total).isEqualTo((count - 1) * 400L);
        }
    }

    /** A rank sends to the ranks with its place on other hosts, and this many bytes. */
    private static void checkColumn(Hosts hosts, int rank, List<Sent> frames, long bytes) {
        assertThat(frames).as("frames of rank %d", rank).allSatisfy(frame -> {
            assertThat(hosts.placeOf(frame.to())).isEqualTo(hosts.placeOf(rank));
            assertThat(frame.to()).isNotEqualTo(rank);
        });
        assertThat(frames.stream().mapToLong(Sent::bytes).sum())
                .as("bytes sent by rank %d", rank)
                .isEqualTo(bytes);
    }

    @Test
    void hostsWithDifferentNumbersOfRanksAreRejected() throws Exception {
        Hosts uneven = new Hosts(List.of(List.of(0, 1), List.of(2)));

        Gyre.local(3)
                .run(session -> assertThatIllegalArgumentException()
                        .isThrownBy(() ->
                                new HierarchicalCollective(session.endpoint(), uneven, new ScalarKernels(), null))
                        .withMessageContaining("different numbers of ranks, [[0, 1], [2]]"));
    }
}
