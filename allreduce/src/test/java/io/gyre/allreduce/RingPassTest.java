package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Chunk;
import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.PlayedRank.Received;
import io.gyre.allreduce.RecordingEndpoint.Sent;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Frame.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which chunk travels in which hop, in what order its sums are taken, and that neither waits for a whole chunk. */
@Timeout(60)
class RingPassTest {

    private static final int SEGMENT_BYTES = 32;
    private static final int SEGMENT_FLOATS = SEGMENT_BYTES / Float.BYTES;
    private static final int PATIENCE_SECONDS = 10;

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"2, 16", "2, 1", "3, 17", "3, 100", "5, 61", "5, 3", "3, 0"})
    void rankRSendsChunkRMinus1MinusHToItsRightInHopH(int ranks, int elements) throws Exception {
        List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES);
            RingPass ring = new RingPass(endpoint, new ScalarKernels());
            run(ring, 0, 2 * ring.halfway(), Floats.region(new float[elements]));
            return endpoint.sent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            List<Sent> expected = new ArrayList<>();
            for (int hop = 0; hop < 2 * (ranks - 1); hop++) {
                int chunk = Math.floorMod(rank - 1 - hop, ranks);
                Kind kind = hop < ranks - 1 ? Kind.REDUCE_SCATTER : Kind.ALL_GATHER;
                expected.addAll(segments((rank + 1) % ranks, kind, chunk, ranks, elements));
            }
            assertThat(sent.get(rank)).as("frames of rank %d", rank).isEqualTo(expected);
        }
    }

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"2, 17", "3, 17", "5, 3"})
    void theSecondHalfBeginsWithTheOwnChunk(int ranks, int elements) throws Exception {
        List<List<Sent>> sent = Gyre.local(ranks).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES);
            RingPass ring = new RingPass(endpoint, new ScalarKernels());
            run(ring, ring.halfway(), 2 * ring.halfway(), Floats.region(new float[elements]));
            return endpoint.sent();
        });

        for (int rank = 0; rank < ranks; rank++) {
            List<Sent> expected = new ArrayList<>();
            for (int hop = 0; hop < ranks - 1; hop++) {
                int chunk = Math.floorMod(rank - hop, ranks);
                expected.addAll(segments((rank + 1) % ranks, Kind.ALL_GATHER, chunk, ranks, elements));
            }
            assertThat(sent.get(rank)).as("frames of rank %d", rank).isEqualTo(expected);
        }
    }

    /** A chunk as one frame for each segment; as one empty frame if it is empty. */
    private static List<Sent> segments(int to, Kind kind, int chunk, int ranks, int elements) {
        int bytes = (int) Chunk.of(chunk, ranks, elements).length() * Float.BYTES;
        List<Sent> segments = new ArrayList<>();
        do {
            int length = Math.min(SEGMENT_BYTES, bytes);
            segments.add(new Sent(to, kind, chunk, length));
            bytes -= length;
        } while (bytes > 0);
        return segments;
    }

    @Test
    void aWorldOfOneSendsNothing() throws Exception {
        Gyre.local(1).run(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES);
            RingCollective collective = new RingCollective(endpoint, new ScalarKernels());
            Region data = Floats.region(1, 2, 3);

            collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            collective.reduceScatter(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            collective.allGather(data, ElementType.FLOAT32, 0, 0);

            assertThat(endpoint.sent()).isEmpty();
            assertThat(Floats.read(data)).containsExactly(1, 2, 3);
        });
    }

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"2, 17", "3, 100", "5, 61", "5, 3"})
    void afterTheFirstHalfChunkCOnRankRIsTheSumOfRanksCPlus1ToRInThisOrder(int ranks, int elements) throws Exception {
        List<float[]> results = Gyre.local(ranks).call(session -> {
            RingPass ring = new RingPass(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES), new ScalarKernels());
            Region data = Floats.region(Floats.of(session.world().rank(), elements));
            run(ring, 0, ring.halfway(), data);
            return Floats.read(data);
        });

        for (int rank = 0; rank < ranks; rank++) {
            float[] expected = new float[elements];
            for (int chunk = 0; chunk < ranks; chunk++) {
                Chunk range = Chunk.of(chunk, ranks, elements);
                int[] order = fromTo(chunk + 1, rank, ranks);
                for (int i = 0; i < range.length(); i++) {
                    int element = (int) range.offset() + i;
                    expected[element] = Floats.sum(element, elements, order);
                }
            }
            assertThat(results.get(rank)).as("rank %d", rank).isEqualTo(expected);
        }
    }

    /** The ranks from {@code first} to {@code last} around the ring. */
    private static int[] fromTo(int first, int last, int ranks) {
        int count = Math.floorMod(last - first, ranks) + 1;
        return IntStream.range(first, first + count).map(rank -> rank % ranks).toArray();
    }

    /** Rank 1 is under test; the others are played, and each chunk has two segments. */
    @Test
    void aSegmentIsForwardedBeforeTheRestOfItsChunkArrives() throws Exception {
        CountDownLatch forwarded = new CountDownLatch(1);
        int elements = 3 * 2 * SEGMENT_FLOATS;
        long bytes = (long) elements * Float.BYTES;

        Gyre.local(3).run(session -> {
            PlayedRank played = new PlayedRank(session.endpoint());
            switch (session.world().rank()) {
                case 0 -> {
                    played.send(1, Kind.REDUCE_SCATTER, 2, bytes, segmentOf(10));
                    assertThat(forwarded.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .as("rank 2 has half of chunk 2")
                            .isTrue();
                    played.send(1, Kind.REDUCE_SCATTER, 2, bytes, segmentOf(20));
                    played.send(1, Kind.REDUCE_SCATTER, 1, bytes, segmentOf(30));
                    played.send(1, Kind.REDUCE_SCATTER, 1, bytes, segmentOf(40));
                }
                case 1 -> {
                    RingPass ring =
                            new RingPass(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES), new ScalarKernels());
                    Region data = Floats.region(fill(elements, 1));
                    run(ring, 0, ring.halfway(), data);
                    assertThat(Floats.read(data, bytes / 3, SEGMENT_FLOATS)).containsOnly(31);
                }
                default -> {
                    assertThat(played.receive(1)).isEqualTo(segment(0, 1));
                    assertThat(played.receive(1)).isEqualTo(segment(0, 1));
                    assertThat(played.receive(1)).isEqualTo(segment(2, 11));
                    forwarded.countDown();
                    assertThat(played.receive(1)).isEqualTo(segment(2, 21));
                }
            }
        });
    }

    /** Rank 1 is under test; the others are played. The links hold fewer frames than rank 0 sends. */
    @Test
    void aRankWhoseRightNeighbourTakesNothingStillDrainsItsLeft() throws Exception {
        CountDownLatch drained = new CountDownLatch(1);
        int segments = 64;
        int elements = 3 * segments * SEGMENT_FLOATS;
        long bytes = (long) elements * Float.BYTES;

        Gyre.local(3).run(session -> {
            PlayedRank played = new PlayedRank(session.endpoint());
            switch (session.world().rank()) {
                case 0 -> {
                    for (int chunk = 2; chunk >= 1; chunk--) {
                        for (int i = 0; i < segments; i++) {
                            played.send(1, Kind.REDUCE_SCATTER, chunk, bytes, segmentOf(1));
                        }
                    }
                    drained.countDown();
                }
                case 1 -> {
                    RingPass ring =
                            new RingPass(new RecordingEndpoint(session.endpoint(), SEGMENT_BYTES), new ScalarKernels());
                    run(ring, 0, ring.halfway(), Floats.region(fill(elements, 1)));
                }
                default -> {
                    assertThat(drained.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                            .as("rank 1 took all frames of rank 0")
                            .isTrue();
                    for (int i = 0; i < 2 * segments; i++) {
                        played.receive(1);
                    }
                }
            }
        });
    }

    @Test
    void aFrameWithPartOfAnElementIsRejected() throws Exception {
        Gyre.local(2).run(session -> {
            if (session.world().isRoot()) {
                Region half = Region.allocate("one and a half floats", 6);
                new PlayedRank(session.endpoint()).send(1, Kind.REDUCE_SCATTER, 1, 16, half);
            } else {
                RingPass ring = new RingPass(session.endpoint(), new ScalarKernels());
                assertThatThrownBy(() -> run(ring, 0, ring.halfway(), Floats.region(new float[4])))
                        .isInstanceOf(DisagreementException.class)
                        .hasMessageContainingAll("rank 0", "6 bytes", "not whole elements of FLOAT32");
            }
        });
    }

    private static void run(RingPass ring, int firstHop, int endHop, Region data) {
        ring.run("test", firstHop, endHop, data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
    }

    private static Region segmentOf(float value) {
        return Floats.region(fill(SEGMENT_FLOATS, value));
    }

    private static Received segment(int chunk, float value) {
        return new Received(Kind.REDUCE_SCATTER, chunk, Collections.nCopies(SEGMENT_FLOATS, value));
    }

    private static float[] fill(int length, float value) {
        float[] values = new float[length];
        Arrays.fill(values, value);
        return values;
    }
}
