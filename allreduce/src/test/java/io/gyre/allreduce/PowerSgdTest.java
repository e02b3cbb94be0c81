package io.gyre.allreduce;

import static io.gyre.ElementType.FLOAT32;
import static io.gyre.ReduceOp.SUM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What ranks get of each other's gradients by PowerSGD, and keep. */
@Timeout(60)
class PowerSgdTest {

    private static final int STEPS = 5;
    private static final long SEED = 7;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /**
     * Vectors, and matrices of odd shapes: those of one row or column, or of fewer rows than factors have columns, are
     * longer as factors.
     */
    private static final List<int[]> SHAPES = List.of(
            new int[] {40, 30},
            new int[] {1, 37},
            new int[] {37, 1},
            new int[] {3, 50},
            new int[] {1, 5},
            new int[] {16, 72},
            new int[] {12, 5000},
            new int[] {1, 1});

    private static final List<WeightMatrix> MATRICES = matrices();
    private static final int LENGTH = 40 * 30 + 37 + 37 + 150 + 5 + 16 * 72 + 60_000 + 1;
    private static final int BORDER = 40 * 30 + 37 + 37;

    private static List<WeightMatrix> matrices() {
        List<WeightMatrix> matrices = new ArrayList<>();
        long offset = 0;
        for (int[] shape : SHAPES) {
            matrices.add(new WeightMatrix(offset, shape[0], shape[1]));
            offset += (long) shape[0] * shape[1];
        }
        return matrices;
    }

    /** In order, what all ranks got in all steps, the last result, and what one has kept. */
    private static final class Outcome {
        final double[] got;
        final float[] last;
        final float[] residual;
        final float[] start;

        Outcome(double[] got, float[] last, float[] residual, float[] start) {
            this.got = got;
            this.last = last;
            this.residual = residual;
            this.start = start;
        }
    }

    private static Outcome reduce(Session session, int matrixRank) {
        PowerSgd state = new PowerSgd(matrixRank, MATRICES, SEED);
        double[] got = new double[LENGTH];
        Region data = Region.allocate("gradients", (long) LENGTH * Float.BYTES);
        try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
            for (int step = 0; step < STEPS; step++) {
                Floats.write(values(session.world().rank(), step), data, 0);
                reduceInBuckets(collective, data, step);
                add(got, Floats.read(data));
            }
        }
        return new Outcome(got, Floats.read(data), residual(state), Floats.read(state.start()));
    }

    private static void reduceInBuckets(Collective collective, Region data, int step) {
        long cut = (long) BORDER * Float.BYTES;
        collective.allReduce(data.slice(cut, data.byteLength() - cut), FLOAT32, SUM, step, 0);
        collective.allReduce(data.slice(0, cut), FLOAT32, SUM, step, 1);
    }

    @ParameterizedTest(name = "{0} ranks, factors of {1} columns")
    @CsvSource({"2, 1", "2, 4", "3, 2", "4, 3"})
    void whatWasSentAndWhatIsKeptAreAllGradients(int ranks, int matrixRank) throws Exception {
        List<Outcome> outcomes = Gyre.local(ranks).call(session -> reduce(session, matrixRank));

        Outcome first = outcomes.get(0);
        for (Outcome each : outcomes) {
            assertThat(each.last).isEqualTo(first.last);
            assertThat(each.got).isEqualTo(first.got);
            assertThat(each.start).isEqualTo(first.start);
        }
        double[] all = first.got.clone();
        double[] expected = new double[LENGTH];
        for (int rank = 0; rank < ranks; rank++) {
            add(all, outcomes.get(rank).residual);
            for (int step = 0; step < STEPS; step++) {
                add(expected, values(rank, step));
            }
        }
        assertNear(all, expected, 1e-3);
        assertThat(first.residual).isNotEqualTo(new float[LENGTH]);
    }

    @Test
    void vectorsAreExact() throws Exception {
        List<Outcome> outcomes = Gyre.local(2).call(session -> reduce(session, 2));

        float[] own = values(0, STEPS - 1);
        float[] other = values(1, STEPS - 1);
        int exact = 0;
        for (WeightMatrix each : MATRICES) {
            if (2 * (each.rows() + each.columns()) >= each.rows() * each.columns()) {
                for (int i = (int) each.offset(); i < each.offset() + each.length(); i++) {
                    assertThat(outcomes.get(1).last[i]).isEqualTo(own[i] + other[i]);
                    assertThat(outcomes.get(1).residual[i]).isZero();
                    exact++;
                }
            }
        }
        assertThat(exact).isEqualTo(37 + 37 + 5 + 1);
    }

    /** Each rank has a matrix of rank 1, so that the sum has the rank of their number. */
    @ParameterizedTest(name = "{0} ranks, {1} x {2}, factors of {3} columns")
    @CsvSource({"2, 40, 30, 2", "3, 25, 5000, 3", "3, 300, 20, 5", "4, 33, 65, 4"})
    void matricesOfLowRankAreExact(int ranks, int rows, int columns, int matrixRank) throws Exception {
        List<WeightMatrix> matrices = List.of(new WeightMatrix(0, rows, columns));
        List<float[]> results = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(product(session.world().rank(), rows, columns));
            PowerSgd state = new PowerSgd(matrixRank, matrices, SEED);
            try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
                collective.allReduce(data, FLOAT32, SUM, 0, 0);
                assertThat(Floats.read(state.start())).doesNotContain(Float.NaN);
            }
            return Floats.read(data);
        });

        double[] expected = new double[rows * columns];
        for (int rank = 0; rank < ranks; rank++) {
            add(expected, product(rank, rows, columns));
        }
        for (float[] each : results) {
            assertThat(each).isEqualTo(results.get(0));
            double[] actual = new double[rows * columns];
            add(actual, each);
            assertNear(actual, expected, 1e-4);
        }
    }

    /** A column that the first sums have no use for would be zero for ever. */
    @Test
    void aMatrixOfHigherRankThanTheOneBeforeIsExact() throws Exception {
        List<WeightMatrix> matrices = List.of(new WeightMatrix(0, 20, 30));
        Gyre.local(2).run(session -> {
            int rank = session.world().rank();
            PowerSgd state = new PowerSgd(2, matrices, SEED);
            try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
                Region data = Floats.region(product(0, 20, 30));
                collective.allReduce(data, FLOAT32, SUM, 0, 0);
                Floats.write(product(rank, 20, 30), data, 0);
                collective.allReduce(data, FLOAT32, SUM, 1, 0);

                double[] actual = new double[600];
                double[] expected = new double[600];
                add(actual, Floats.read(data));
                add(expected, product(0, 20, 30));
                add(expected, product(1, 20, 30));
                assertNear(actual, expected, 1e-4);
            }
        });
    }

    @Test
    void ranksWithoutGradientsKeepTheirResiduals() throws Exception {
        Gyre.local(3).run(session -> {
            PowerSgd state = new PowerSgd(2, MATRICES, SEED);
            try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
                Region data = Floats.region(values(session.world().rank(), 0));
                reduceInBuckets(collective, data, 0);
                float[] before = residual(state);
                data.clear();
                reduceInBuckets(collective, data, 1);

                assertThat(Floats.read(data)).isEqualTo(new float[LENGTH]);
                assertThat(residual(state)).isEqualTo(before);
                for (float value : Floats.read(state.start())) {
                    assertThat(value).isFinite();
                }
            }
        });
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void allRanksNoticeWhatIsNotFiniteAndKeepWhatTheyHad(float value) throws Exception {
        Gyre.local(3).run(session -> {
            PowerSgd state = new PowerSgd(2, MATRICES, SEED);
            try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
                Region data = Floats.region(values(session.world().rank(), 0));
                reduceInBuckets(collective, data, 0);
                float[] before = residual(state);
                float[] start = Floats.read(state.start());
                for (WeightMatrix each : MATRICES) {
                    Region one = Floats.region(new float[LENGTH]);
                    if (session.world().rank() == 1) {
                        one.putFloat((each.offset() + each.length() / 2) * Float.BYTES, value);
                    }
                    reduceInBuckets(collective, one, 1);
                    boolean finite = true;
                    for (float result : Floats.read(one)) {
                        finite &= Float.isFinite(result);
                    }
                    assertThat(finite).as("sums with one of %s", each).isFalse();
                }
                assertThat(residual(state)).isEqualTo(before);
                assertThat(Floats.read(state.start())).hasSameSizeAs(start).doesNotContain(Float.NaN);
            }
        });
    }

    @Test
    void factorsTakeTheBytesThatAreStated() {
        PowerSgd state = new PowerSgd(4, MATRICES, SEED);

        int factors = 4 * (40 + 30 + 16 + 72 + 12 + 5000);
        int plain = 37 + 37 + 150 + 5 + 1;
        assertThat(state.sentBytes(LENGTH)).isEqualTo(4L * (factors + plain));
    }

    @Test
    void ranksSendTheBytesThatAreStated() throws Exception {
        List<Long> sent = Gyre.local(2).call(session -> {
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), 4096);
            PowerSgd state = new PowerSgd(4, MATRICES, SEED);
            try (Collective collective = new PowerSgdCollective(new RingCollective(endpoint), state)) {
                reduceInBuckets(collective, Floats.region(values(session.world().rank(), 0)), 0);
            }
            return endpoint.sent().stream()
                    .mapToLong(RecordingEndpoint.Sent::bytes)
                    .sum();
        });

        long stated = new PowerSgd(4, MATRICES, SEED).sentBytes(LENGTH);
        // On a ring of two each sends half of the vector and half of the sums.
        assertThat(sent.get(0) + sent.get(1)).isEqualTo(2 * stated);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void nothingIsAllocatedAfterTheFirstSteps(int ranks) throws Exception {
        List<Long> allocated = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(values(session.world().rank(), 0));
            PowerSgd state = new PowerSgd(2, MATRICES, SEED);
            long bytes = 0;
            try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
                List<Region> buckets =
                        List.of(data.slice(BORDER * 4L, data.byteLength() - BORDER * 4L), data.slice(0, BORDER * 4L));
                for (int step = 0; step < 60; step++) {
                    long before = THREADS.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 2; i++) {
                        collective.allReduce(buckets.get(i), FLOAT32, SUM, step, i);
                    }
                    bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
                }
            }
            return bytes;
        });

        assertThat(allocated).allSatisfy(bytes -> assertThat(bytes).isLessThan(1000));
    }

    @Test
    void aBucketWithAPartOfAMatrixIsRejected() throws Exception {
        Gyre.local(2).run(session -> {
            PowerSgd state = new PowerSgd(2, MATRICES, SEED);
            Region data = Region.allocate("gradients", 4L * LENGTH);
            try (Collective collective = new PowerSgdCollective(new RingCollective(session.endpoint()), state)) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> collective.allReduce(data.slice(0, 400), FLOAT32, SUM, 0, 0))
                        .withMessageContainingAll("powersgd:2", "elements 0 to 99", "rows=40");
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> collective.allReduce(data.slice(400, 400), FLOAT32, SUM, 0, 0))
                        .withMessageContaining("elements 100 to 199");
            }
        });
    }

    @Test
    void whereAllRanksShareMemorySumsStayAsTheyAre() throws Exception {
        Gyre.local(2).run(session -> {
            try (Collective direct = new DirectCollective(session.endpoint())) {
                assertThat(PowerSgdCollective.over(direct, new PowerSgd(2, MATRICES, SEED)))
                        .isSameAs(direct);
                direct.barrier(0);
            }
        });
    }

    @Test
    void ranksOfSeveralHostsHaveTheSameBits() throws Exception {
        Hosts hosts = new Hosts(List.of(List.of(0, 1), List.of(2, 3)));
        List<float[]> results = Gyre.local(4).call(session -> {
            Region data = Region.allocate("gradients", 4L * LENGTH);
            try (Collective collective = new PowerSgdCollective(
                    new HierarchicalCollective(session.endpoint(), hosts, new ScalarKernels(), null),
                    new PowerSgd(2, MATRICES, SEED))) {
                for (int step = 0; step < STEPS; step++) {
                    Floats.write(values(session.world().rank(), step), data, 0);
                    reduceInBuckets(collective, data, step);
                }
            }
            return Floats.read(data);
        });

        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(results.get(0)));
    }

    @Test
    void wordsNameAMatrixRank() {
        assertThat(PowerSgd.isNamed("powersgd:4")).isTrue();
        assertThat(PowerSgd.isNamed("powersgd")).isTrue();
        assertThat(PowerSgd.isNamed("powersgds")).isFalse();
        assertThat(PowerSgd.isNamed("topk:0.1")).isFalse();
        assertThat(PowerSgd.rankOf("powersgd:4")).isEqualTo(4);
        for (String word : List.of("powersgd", "powersgd:", "powersgd:x", "powersgd:1.5")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> PowerSgd.rankOf(word))
                    .withMessageContainingAll("'" + word + "'", "is no number", "powersgd:4");
        }
        for (String word : List.of("powersgd:0", "powersgd:-1")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> PowerSgd.rankOf(word))
                    .withMessageContainingAll("'" + word + "'", "1 or more", "powersgd:4");
        }
    }

    private static float[] residual(PowerSgd state) {
        ByteBuffer floats = ByteBuffer.allocateDirect(LENGTH * Float.BYTES).order(ByteOrder.nativeOrder());
        state.residual().read(0, LENGTH, floats, 0);
        float[] values = new float[LENGTH];
        floats.asFloatBuffer().get(values);
        return values;
    }

    private static float[] values(int rank, int step) {
        return drawn(100L * step + rank, LENGTH);
    }

    private static float[] drawn(long seed, int length) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    /** A column by a row. */
    private static float[] product(int rank, int rows, int columns) {
        float[] column = drawn(rank, rows);
        float[] row = drawn(1000L + rank, columns);
        float[] product = new float[rows * columns];
        for (int i = 0; i < product.length; i++) {
            product[i] = column[i / columns] * row[i % columns];
        }
        return product;
    }

    /** Tells the first element that differs, and not all. */
    private static void assertNear(double[] actual, double[] expected, double tolerance) {
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) <= tolerance)) {
                assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance));
            }
        }
    }

    private static void add(double[] into, float[] values) {
        for (int i = 0; i < values.length; i++) {
            into[i] += values[i];
        }
    }
}
