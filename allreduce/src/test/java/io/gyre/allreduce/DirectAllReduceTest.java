package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which rank reduces which part in which order, and that its two meetings keep ranks apart. */
@Timeout(60)
class DirectAllReduceTest {

    private static final int LINE_BYTES = 64;
    private static final int BLOCK_BYTES = 16 << 10;
    private static final int PATIENCE_SECONDS = 10;

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"1, 100", "2, 0", "2, 17", "2, 20_000", "3, 1", "3, 100", "3, 30_001", "5, 61", "5, 81"})
    void rankRReducesPartROfWholeCacheLinesInBlocks(int ranks, String elementsText) throws Exception {
        int elements = parse(elementsText);
        List<List<Reduced>> reduced = Gyre.local(ranks).call(session -> {
            RecordingKernels kernels = new RecordingKernels(() -> {});
            new Vectors(session, session.endpoint(), kernels, elements).allReduce(0, elements);
            return kernels.reduced;
        });

        for (int rank = 0; rank < ranks; rank++) {
            int bytes = elements * Float.BYTES;
            Chunk lines = Chunk.of(rank, ranks, (bytes + LINE_BYTES - 1) / LINE_BYTES);
            int end = (int) Math.min(bytes, (lines.offset() + lines.length()) * LINE_BYTES);
            List<Reduced> expected = new ArrayList<>();
            for (int at = (int) lines.offset() * LINE_BYTES; at < end; at += BLOCK_BYTES) {
                for (int peer = 1; peer < ranks; peer++) {
                    expected.add(new Reduced(at, Math.min(BLOCK_BYTES, end - at)));
                }
            }
            assertThat(reduced.get(rank)).as("rank %d", rank).isEqualTo(expected);
        }
    }

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"1, 100", "2, 0", "2, 17", "2, 20_000", "3, 1", "3, 100", "3, 30_001", "5, 61"})
    void everyRankGetsTheSumsInRankOrderAndMovesItsPartTwicePerPeer(int ranks, String elementsText) throws Exception {
        int elements = parse(elementsText);
        List<Long> moved = Gyre.local(ranks).call(session -> {
            Vectors vectors = new Vectors(session, session.endpoint(), new ScalarKernels(), elements);
            vectors.allReduce(0, elements);
            assertThat(vectors.own()).isEqualTo(sums(ranks, elements));
            return session.bytesSent();
        });

        long total = moved.stream().mapToLong(Long::longValue).sum();
        assertThat(total).isEqualTo(2L * (ranks - 1) * elements * Float.BYTES);
    }

    @Test
    void onlyTheRangeIsReduced() throws Exception {
        Gyre.local(3).run(session -> {
            Vectors vectors = new Vectors(session, session.endpoint(), new ScalarKernels(), 200);

            vectors.allReduce(11, 100);

            float[] expected = Floats.of(session.world().rank(), 200);
            System.arraycopy(sums(3, 200), 11, expected, 11, 100);
            assertThat(vectors.own()).isEqualTo(expected);
        });
    }

    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"1, 100", "2, 17", "3, 1", "3, 100", "5, 61", "3, 0"})
    void aReduceScatterChangesTheOwnChunkOnly(int ranks, int elements) throws Exception {
        Gyre.local(ranks).run(session -> {
            int rank = session.world().rank();
            Vectors vectors = new Vectors(session, session.endpoint(), new ScalarKernels(), elements);

            vectors.reduceScatter();

            float[] expected = Floats.of(rank, elements);
            Chunk own = Chunk.of(rank, ranks, elements);
            System.arraycopy(
                    sums(ranks, elements), (int) own.offset(), expected, (int) own.offset(), (int) own.length());
            assertThat(vectors.own()).isEqualTo(expected);
        });
    }

    /** Each block of each rank before it is added, and each block of the sums: whole chunks, in order. */
    @ParameterizedTest(name = "{0} ranks, {1} elements")
    @CsvSource({"2, 1", "2, 17", "2, 20_000", "3, 30_001", "5, 61"})
    void anObserverSeesWhatIsAddedAndTheSums(int ranks, String elementsText) throws Exception {
        int elements = parse(elementsText);
        float[] sums = sums(ranks, elements);
        Gyre.local(ranks).run(session -> {
            Chunk chunk = Chunk.of(session.world().rank(), ranks, elements);
            float[][] read = new float[ranks][elements];
            float[] reduced = new float[elements];
            int[] ends = new int[ranks + 1];
            try (DirectCollective collective = new DirectCollective(session.endpoint());
                    MemoryBox box = collective.allocate("vector", (long) elements * Float.BYTES)) {
                Floats.write(Floats.of(session.world().rank(), elements), box.region(), 0);
                BlockObserver observer = new BlockObserver() {
                    @Override
                    public void read(int rank, ByteBuffer memory, int offset, int byteLength) {
                        take(read[rank], rank, memory, offset, byteLength);
                    }

                    @Override
                    public void reduced(ByteBuffer memory, int offset, int byteLength) {
                        take(reduced, ranks, memory, offset, byteLength);
                    }

                    private void take(float[] into, int which, ByteBuffer memory, int offset, int byteLength) {
                        for (int at = offset; at < offset + byteLength; at += Float.BYTES) {
                            into[ends[which]++] = memory.getFloat(at);
                        }
                    }
                };
                assertThat(collective.reducesInPlace(box.region())).isTrue();

                collective.reduceScatter(box.region(), ElementType.FLOAT32, ReduceOp.SUM, 0, 0, observer);

                int from = (int) chunk.offset();
                int to = (int) (chunk.offset() + chunk.length());
                for (int rank = 0; rank < ranks; rank++) {
                    assertThat(Arrays.copyOf(read[rank], ends[rank]))
                            .isEqualTo(Arrays.copyOfRange(Floats.of(rank, elements), from, to));
                }
                assertThat(Arrays.copyOf(reduced, ends[ranks])).isEqualTo(Arrays.copyOfRange(sums, from, to));
                assertThat(Arrays.copyOfRange(Floats.read(box.region()), from, to))
                        .isEqualTo(Arrays.copyOfRange(sums, from, to));
            }
        });
    }

    @Test
    void onlyAVectorInWhichAllReduceInPlaceCanBeObserved() throws Exception {
        Gyre.local(2).run(session -> {
            try (DirectCollective collective = new DirectCollective(session.endpoint())) {
                Region own = Region.allocate("own", 8);
                assertThat(collective.reducesInPlace(own)).isFalse();
                assertThatThrownBy(() -> collective.reduceScatter(
                                own, ElementType.FLOAT32, ReduceOp.SUM, 0, 0, new BlockObserver() {
                                    @Override
                                    public void read(int rank, ByteBuffer memory, int offset, int byteLength) {}

                                    @Override
                                    public void reduced(ByteBuffer memory, int offset, int byteLength) {}
                                }))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("region 'own' (8 bytes) is not a vector in which");
                // Nobody leaves before the other has its collective.
                collective.barrier(0);
            }
        });
    }

    /** Rank 1 fills its vector when both others already wait for it. */
    @Test
    void nobodyReadsAVectorBeforeItsRankHasBegun() throws Exception {
        int elements = 1000;
        CountDownLatch[] waits = {new CountDownLatch(1), new CountDownLatch(1), new CountDownLatch(1)};

        Gyre.local(3).run(session -> {
            int rank = session.world().rank();
            AtomicBoolean inside = new AtomicBoolean();
            Runnable atWait = () -> {
                if (inside.get()) {
                    waits[rank].countDown();
                }
            };
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), BLOCK_BYTES, atWait);
            Vectors vectors = new Vectors(session, endpoint, new ScalarKernels(), elements);
            if (rank == 1) {
                vectors.fill(new float[elements]);
                await(waits[0], "rank 0 waits");
                await(waits[2], "rank 2 waits");
                vectors.fill(Floats.of(1, elements));
            }
            inside.set(true);

            vectors.allReduce(0, elements);

            assertThat(vectors.own()).isEqualTo(sums(3, elements));
        });
    }

    /** Rank 1 reduces its part when both others have finished theirs and wait for it. */
    @Test
    void nobodyReturnsBeforeAllHaveFinished() throws Exception {
        int elements = 1000;
        AtomicBoolean allBegun = new AtomicBoolean();
        CountDownLatch[] waits = {new CountDownLatch(1), new CountDownLatch(1), new CountDownLatch(1)};

        Gyre.local(3).run(session -> {
            int rank = session.world().rank();
            Runnable atWait = () -> {
                if (allBegun.get()) {
                    waits[rank].countDown();
                }
            };
            Runnable atReduce = () -> {
                if (rank == 1) {
                    allBegun.set(true);
                    await(waits[0], "rank 0 waits");
                    await(waits[2], "rank 2 waits");
                }
            };
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), BLOCK_BYTES, atWait);
            Vectors vectors = new Vectors(session, endpoint, new RecordingKernels(atReduce), elements);

            vectors.allReduce(0, elements);

            assertThat(vectors.own()).isEqualTo(sums(3, elements));
        });
    }

    private static void await(CountDownLatch latch, String what) {
        try {
            assertThat(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).as(what).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted before " + what, e);
        }
    }

    private static int parse(String elements) {
        return Integer.parseInt(elements.replace("_", ""));
    }

    private static float[] sums(int ranks, int elements) {
        int[] order = IntStream.range(0, ranks).toArray();
        float[] sums = new float[elements];
        float[][] values =
                IntStream.of(order).mapToObj(rank -> Floats.of(rank, elements)).toArray(float[][]::new);
        for (int i = 0; i < elements; i++) {
            sums[i] = values[0][i];
            for (int rank = 1; rank < ranks; rank++) {
                sums[i] += values[rank][i];
            }
        }
        return sums;
    }

    /** One rank's view of the vectors of all. */
    private static final class Vectors {
        private final MappedVector vector;
        private final MeetingPoint meeting;
        private final DirectAllReduce algorithm;
        private final int elements;

        Vectors(Session session, Endpoint endpoint, Kernels kernels, int elements) {
            World world = session.world();
            MemoryBox own = endpoint.boxes().create("vector", (long) elements * Float.BYTES);
            vector = MappedVector.around(own, "vector", 1, endpoint.boxes(), world, closed -> {});
            meeting = new MeetingPoint(endpoint);
            algorithm = new DirectAllReduce(meeting, world, kernels);
            this.elements = elements;
            fill(Floats.of(world.rank(), elements));
        }

        void fill(float[] values) {
            Floats.write(values, vector.region(), 0);
        }

        float[] own() {
            return Floats.read(vector.region());
        }

        void allReduce(int from, int length) {
            meeting.start("test", 0, 0);
            long bytes = (long) length * Float.BYTES;
            algorithm.run(vector, (long) from * Float.BYTES, bytes, ElementType.FLOAT32, ReduceOp.SUM, bytes);
        }

        void reduceScatter() {
            meeting.start("test", 0, 0);
            algorithm.runReduceScatter(
                    vector, 0, (long) elements * Float.BYTES, ElementType.FLOAT32, ReduceOp.SUM, null);
        }
    }

    /** A range of a peer's vector that was reduced into another, in bytes. */
    private record Reduced(int offset, int bytes) {}

    private static final class RecordingKernels implements Kernels {
        private final Kernels kernels = new ScalarKernels();
        private final List<Reduced> reduced = new ArrayList<>();
        private final Runnable atReduce;

        RecordingKernels(Runnable atReduce) {
            this.atReduce = atReduce;
        }

        @Override
        public void reduce(
                ReduceOp op,
                ElementType type,
                ByteBuffer into,
                int intoOffset,
                ByteBuffer from,
                int fromOffset,
                int byteLength) {
            atReduce.run();
            reduced.add(new Reduced(fromOffset, byteLength));
            kernels.reduce(op, type, into, intoOffset, from, fromOffset, byteLength);
        }

        @Override
        public void scale(ElementType type, ByteBuffer data, int offset, int byteLength, double factor) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void axpy(
                ElementType type,
                double factor,
                ByteBuffer into,
                int intoOffset,
                ByteBuffer from,
                int fromOffset,
                int byteLength) {
            throw new UnsupportedOperationException();
        }
    }
}
