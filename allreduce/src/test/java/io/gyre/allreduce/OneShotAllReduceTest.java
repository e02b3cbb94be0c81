package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RecordingEndpoint.Sent;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One hop between all pairs, and sums in rank order on all ranks. */
@Timeout(60)
class OneShotAllReduceTest {

    private static final int SEGMENT_BYTES = 32;
    private static final int PATIENCE_SECONDS = 10;

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"1, 10", "2, 8", "2, 9", "3, 0", "3, 100", "4, 7"})
    void everyRankSendsItsWholeVectorOnceToEachOther(int ranks, int elements) throws Exception {
        List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES);
            run(endpoint, Floats.region(new float[elements]));
            return endpoint.sent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            for (int peer = 0; peer < ranks; peer++) {
                int to = peer;
                List<Sent> expected = peer == rank ? List.of() : segments(peer, rank, elements * Float.BYTES);
                assertThat(sent.get(rank))
                        .filteredOn(frame -> frame.to() == to)
                        .as("frames from rank %d to rank %d", rank, peer)
                        .isEqualTo(expected);
            }
        }
    }

    /** The vector as one frame for each segment; as one empty frame if it is empty. */
    private static List<Sent> segments(int to, int from, int bytes) {
        List<Sent> segments = new ArrayList<>();
        int done = 0;
        do {
            int length = Math.min(SEGMENT_BYTES, bytes - done);
            segments.add(new Sent(to, Kind.ALL_REDUCE, from, length));
            done += length;
        } while (done < bytes);
        return segments;
    }

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"1, 10", "2, 9", "3, 100", "4, 7", "4, 1000"})
    void allRanksTakeTheSumsInRankOrder(int ranks, int elements) throws Exception {
        List<float[]> results = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(Floats.of(session.world().rank(), elements));
            run(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES), data);
            return Floats.read(data);
        });

        float[] expected = new float[elements];
        int[] order = IntStream.range(0, ranks).toArray();
        for (int i = 0; i < elements; i++) {
            expected[i] = Floats.sum(i, elements, order);
        }
        assertThat(results).allSatisfy(values -> assertThat(values).isEqualTo(expected));
    }

    /** Rank 0 is under test. Its link to rank 1 is full, because rank 1 takes nothing until rank 2 has everything. */
    @Test
    void aSlowPeerDoesNotDelayTheRest() throws Exception {
        CountDownLatch served = new CountDownLatch(1);
        int segments = 64;
        long bytes = (long) segments * SEGMENT_BYTES;

        Gyre.local(3).run(session -> {
            int rank = session.world().rank();
            if (rank == 0) {
                run(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES), Region.allocate("data", bytes));
                return;
            }
            PlayedRank played = new PlayedRank(session.endpoint());
            if (rank == 1) {
                assertThat(served.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .as("rank 2 has the whole vector")
                        .isTrue();
            }
            for (int i = 0; i < segments; i++) {
                assertThat(played.receive(0).chunk()).isZero();
            }
            served.countDown();
            played.send(0, Kind.ALL_REDUCE, rank, bytes, Region.allocate("data", bytes));
        });
    }

    @Test
    void aFrameWithPartOfAnElementIsRejected() throws Exception {
        Gyre.local(2).run(session -> {
            if (session.world().isRoot()) {
                Region half = Region.allocate("one and a half floats", 6);
                new PlayedRank(session.endpoint()).send(1, Kind.ALL_REDUCE, 0, 16, half);
            } else {
                assertThatThrownBy(() -> run(session.endpoint(), Floats.region(new float[4])))
                        .isInstanceOf(DisagreementException.class)
                        .hasMessageContainingAll("rank 0", "6 bytes", "not whole elements of FLOAT32");
            }
        });
    }

    private static void run(Endpoint endpoint, Region data) {
        new OneShotAllReduce(endpoint, new ScalarKernels()).run(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
    }
}
