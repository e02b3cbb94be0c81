package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.PlayedRank.Received;
import io.gyre.allreduce.RecordingEndpoint.Sent;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Frame.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The chain from the root to its left neighbour, and that no rank waits for the whole vector. */
@Timeout(60)
class PipelinedRingBroadcastTest {

    private static final int SEGMENT_BYTES = 32;
    private static final int SEGMENT_FLOATS = SEGMENT_BYTES / Float.BYTES;
    private static final int PATIENCE_SECONDS = 10;

    @ParameterizedTest(name = "{0} ranks, {1} bytes from rank {2}")
    @CsvSource({
        "1, 100, 0",
        "2, 64, 0",
        "2, 65, 1",
        "3, 0, 1",
        "3, 31, 2",
        "3, 32, 0",
        "5, 33, 3",
        "5, 1000, 4",
        "5, 1, 0"
    })
    void everyRankButTheRootsLeftNeighbourSendsEachSegmentOnceToItsRight(int ranks, int bytes, int root)
            throws Exception {
        List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES);
            new PipelinedRingBroadcast(endpoint).run(Region.allocate("data", bytes), root, 0, 0);
            return endpoint.sent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            int right = (rank + 1) % ranks;
            List<Sent> expected = right == root ? List.of() : segments(right, root, bytes);
            assertThat(sent.get(rank)).as("frames of rank %d", rank).isEqualTo(expected);
        }
    }

    /** The vector as one frame for each segment; as one empty frame if it is empty. */
    private static List<Sent> segments(int to, int root, int bytes) {
        List<Sent> segments = new ArrayList<>();
        int done = 0;
        do {
            int length = Math.min(SEGMENT_BYTES, bytes - done);
            segments.add(new Sent(to, Kind.BROADCAST, root, length));
            done += length;
        } while (done < bytes);
        return segments;
    }

    @ParameterizedTest(name = "{0} ranks, {1} elements from rank {2}")
    @CsvSource({"1, 10, 0", "2, 17, 1", "3, 100, 2", "5, 61, 3"})
    void allRanksGetTheRootsValues(int ranks, int elements, int root) throws Exception {
        List<float[]> results = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(Floats.of(session.world().rank(), elements));
            new PipelinedRingBroadcast(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES)).run(data, root, 0, 0);
            return Floats.read(data);
        });

        assertThat(results).allSatisfy(values -> assertThat(values).isEqualTo(Floats.of(root, elements)));
    }

    /** Rank 0 is under test; the root, rank 2, and rank 1 are played. */
    @Test
    void aSegmentIsForwardedBeforeTheNextArrives() throws Exception {
        int segments = 3;
        long bytes = (long) segments * SEGMENT_BYTES;
        CountDownLatch[] forwarded = new CountDownLatch[segments];
        for (int i = 0; i < segments; i++) {
            forwarded[i] = new CountDownLatch(1);
        }

        Gyre.local(3).run(session -> {
            PlayedRank played = new PlayedRank(session.endpoint());
            switch (session.world().rank()) {
                case 0 -> {
                    Region data = Region.allocate("data", bytes);
                    new PipelinedRingBroadcast(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES))
                            .run(data, 2, 0, 0);
                }
                case 1 -> {
                    for (int i = 0; i < segments; i++) {
                        assertThat(played.receive(0)).isEqualTo(new Received(Kind.BROADCAST, 2, segment(i)));
                        forwarded[i].countDown();
                    }
                }
                default -> {
                    for (int i = 0; i < segments; i++) {
                        Region values = Floats.region(i, i, i, i, i, i, i, i);
                        played.send(0, Kind.BROADCAST, 2, bytes, values);
                        assertThat(forwarded[i].await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                                .as("rank 1 has segment %d", i)
                                .isTrue();
                    }
                }
            }
        });
    }

    private static List<Float> segment(int value) {
        return Collections.nCopies(SEGMENT_FLOATS, (float) value);
    }

    /** Rank 0 is under test; the root, rank 2, and rank 1 are played. The links hold fewer frames than are sent. */
    @Test
    void aRankWhoseRightNeighbourTakesNothingStillDrainsItsLeft() throws Exception {
        CountDownLatch drained = new CountDownLatch(1);
        int segments = 64;
        long bytes = (long) segments * SEGMENT_BYTES;

        Gyre.local(3).run(session -> {
            PlayedRank played = new PlayedRank(session.endpoint());
            switch (session.world().rank()) {
                case 0 -> {
                    Region data = Region.allocate("data", bytes);
                    new PipelinedRingBroadcast(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES))
                            .run(data, 2, 0, 0);
                }
                case 1 -> {
                    assertThat(drained.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .as("rank 0 took all frames of the root")
                            .isTrue();
                    for (int i = 0; i < segments; i++) {
                        played.receive(0);
                    }
                }
                default -> {
                    for (int i = 0; i < segments; i++) {
                        played.send(0, Kind.BROADCAST, 2, bytes, Floats.region(new float[SEGMENT_FLOATS]));
                    }
                    drained.countDown();
                }
            }
        });
    }
}
