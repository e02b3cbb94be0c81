package io.gyre.testkit;

import static io.gyre.ElementType.FLOAT32;
import static io.gyre.ElementType.FLOAT64;
import static io.gyre.ReduceOp.MAX;
import static io.gyre.ReduceOp.MIN;
import static io.gyre.ReduceOp.SUM;
import static io.gyre.testkit.ExactInput.combined;
import static io.gyre.testkit.ExactInput.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of {@link Collective}, for every implementation and network: extend this class to inherit its tests.
 *
 * <p>Most results are exact ({@link ExactInput}), and need no tolerance.
 */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class CollectiveContract extends CollectiveFailureContract {

    /** Lengths that are empty, shorter than the world, even and uneven, and longer than what links hold. */
    private static LongStream lengths(int world) {
        return LongStream.of(0, 1, 2, 3, world - 1, world, world + 1, 2L * world + 1, 1000, 4099, LONG)
                .distinct();
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void anAllReduceGivesEveryRankTheCombinedValues(int ranks) throws Exception {
        runOn(ranks, (collective, world) -> {
            int step = 0;
            for (long length : lengths(ranks).toArray()) {
                for (ElementType type : ElementType.values()) {
                    for (ReduceOp op : opsFor(length, type)) {
                        Vector vector = Vector.of(type, length).fill(i -> value(world.rank(), i));

                        collective.allReduce(vector.region(), type, op, step++, 3);

                        vector.check("all-reduce " + op, i -> combined(op, ranks, i));
                    }
                }
            }
        });
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void aReduceScatterFinishesEveryRanksOwnChunk(int ranks) throws Exception {
        runOn(ranks, (collective, world) -> {
            int step = 0;
            for (long length : lengths(ranks).toArray()) {
                for (ElementType type : ElementType.values()) {
                    for (ReduceOp op : opsFor(length, type)) {
                        Vector vector = Vector.of(type, length).fill(i -> value(world.rank(), i));

                        collective.reduceScatter(vector.region(), type, op, step++, 3);

                        Chunk own = Chunk.of(world.rank(), ranks, length);
                        vector.check("reduce-scatter " + op, own.offset(), end(own), i -> combined(op, ranks, i));
                    }
                }
            }
        });
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void anAllGatherGivesEveryRankTheChunksOfAll(int ranks) throws Exception {
        runOn(ranks, (collective, world) -> {
            int step = 0;
            for (long length : lengths(ranks).toArray()) {
                for (ElementType type : ElementType.values()) {
                    Chunk own = Chunk.of(world.rank(), ranks, length);
                    Vector vector = Vector.of(type, length)
                            .fill(i -> Double.NaN)
                            .fill(own.offset(), end(own), i -> value(0, i));

                    collective.allGather(vector.region(), type, step++, 3);

                    vector.check("all-gather", i -> value(0, i));
                }
            }
        });
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void aBroadcastCopiesTheDataOfWhicheverRankIsTheRoot(int ranks) throws Exception {
        runOn(ranks, (collective, world) -> {
            for (int root = 0; root < ranks; root++) {
                int from = root;
                for (long length : List.of(0L, 1L, 1000L, LONG)) {
                    Vector vector = Vector.of(FLOAT32, length).fill(i -> value(world.rank(), i));

                    collective.broadcast(vector.region(), root, length, 3);

                    vector.check("broadcast from " + root, i -> value(from, i));
                }
            }
        });
    }

    @Test
    void aBroadcastTakesAnyNumberOfBytes() throws Exception {
        runOn(3, (collective, world) -> {
            for (int bytes : new int[] {1, 3, 70_001}) {
                byte[] content = new byte[bytes];
                new SplittableRandom(bytes).nextBytes(content);
                Region region = Region.allocate("bytes", bytes);
                if (world.rank() == 1) {
                    region.copyFrom(0, ByteBuffer.wrap(content), 0, bytes);
                }

                collective.broadcast(region, 1, 0, 0);

                ByteBuffer received = ByteBuffer.allocate(bytes);
                region.copyTo(0, received, 0, bytes);
                assertThat(received.array()).isEqualTo(content);
            }
        });
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void theResultIsTheSameBitForBitOnAllRanks(int ranks) throws Exception {
        for (ElementType type : ElementType.values()) {
            for (int length : new int[] {13, 1001, 20_011}) {
                double[][] values = new double[ranks][];
                for (int rank = 0; rank < ranks; rank++) {
                    SplittableRandom random = new SplittableRandom(rank);
                    values[rank] = random.doubles(length, -1e6, 1e6)
                            .map(x -> type == FLOAT32 ? (float) x : x)
                            .toArray();
                }

                List<ByteBuffer> results = callOn(ranks, (collective, world) -> {
                    Vector vector = Vector.of(type, length).fill(i -> values[world.rank()][(int) i]);
                    collective.allReduce(vector.region(), type, SUM, 0, 0);
                    double eps = type == FLOAT32 ? Math.ulp(1f) : Math.ulp(1d);
                    vector.checkWithin(
                            "sum of random values", 0, length, i -> sum(values, i), i -> ranks * ranks * 1e6 * eps);
                    return vector.copyOfBytes();
                });

                assertThat(results).as("%d elements of %s", length, type).containsOnly(results.get(0));
            }
        }
    }

    private static double sum(double[][] values, long index) {
        double sum = 0;
        for (double[] vector : values) {
            sum += vector[(int) index];
        }
        return sum;
    }

    /** The bit pattern of a NaN depends on the processor, so values are compared here, not bits. */
    @Test
    void infinitiesNotANumberAndSignedZerosCombineAsInJava() throws Exception {
        int ranks = 3;
        double[] specials = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, -0.0, 0.0, 1, -1};
        int length = (int) Math.pow(specials.length, ranks);

        for (ElementType type : ElementType.values()) {
            for (ReduceOp op : ReduceOp.values()) {
                runOn(ranks, (collective, world) -> {
                    Vector vector = Vector.of(type, length).fill(i -> special(specials, world.rank(), i));
                    collective.allReduce(vector.region(), type, op, 0, 0);
                    vector.check("all-reduce " + op + " of special values", i -> {
                        double first = combine(op, special(specials, 0, i), special(specials, 1, i));
                        return combine(op, first, special(specials, 2, i));
                    });
                });
            }
        }
    }

    /** Every rank's digit of {@code index}, so that all combinations occur. */
    private static double special(double[] specials, int rank, long index) {
        long digit = index;
        for (int i = 0; i < rank; i++) {
            digit /= specials.length;
        }
        return specials[(int) (digit % specials.length)];
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void nobodyLeavesABarrierBeforeAllHaveCome(int ranks) throws Exception {
        int rounds = 100;
        AtomicInteger arrivals = new AtomicInteger();

        runOn(ranks, (collective, world) -> {
            for (int round = 1; round <= rounds; round++) {
                arrivals.incrementAndGet();
                collective.barrier(round);
                assertThat(arrivals).hasValueBetween(ranks * round, ranks * (round + 1) - 1);
                collective.barrier(round);
            }
        });
    }

    @Test
    void groupsWorkAtTheSameTimeWithoutDisturbingEachOther() throws Exception {
        int ranks = 5;
        cluster(ranks).run(session -> {
            int own = session.world().rank();
            int[] members = own % 2 == 0 ? new int[] {4, 0, 2} : new int[] {1, 3};
            Collective group = collective(session.endpoint().group(members));
            Collective whole = collective(session.endpoint());
            double groupSum = own % 2 == 0 ? 6 : 4;

            for (int step = 0; step < 10; step++) {
                for (long length : List.of(5L, 50_000L)) {
                    Vector vector = Vector.of(FLOAT32, length).fill(i -> own);
                    group.allReduce(vector.region(), FLOAT32, SUM, step, 0);
                    vector.check("sum in the group", i -> groupSum);
                    group.broadcast(vector.fill(i -> own).region(), 1, step, 0);
                    vector.check("broadcast in the group", i -> members[1]);
                }
                Vector all = Vector.of(FLOAT64, 7).fill(i -> own);
                whole.allReduce(all.region(), FLOAT64, SUM, step, 0);
                all.check("sum of all", i -> 10);
            }
        });
    }

    @Test
    void aWorldOfOneNeedsNobody() throws Exception {
        cluster(2).run(session -> {
            Collective alone =
                    collective(session.endpoint().group(session.world().rank()));
            Vector vector = Vector.of(FLOAT32, 100).fill(i -> i);

            alone.allReduce(vector.region(), FLOAT32, SUM, 0, 0);
            alone.reduceScatter(vector.region(), FLOAT32, SUM, 0, 0);
            alone.allGather(vector.region(), FLOAT32, 0, 0);
            alone.broadcast(vector.region(), 0, 0, 0);
            alone.barrier(0);

            vector.check("alone", i -> i);
        });
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void anySequenceOfOperationsGivesTheRightResults(long seed) throws Exception {
        int ranks = 1 + new SplittableRandom(seed).nextInt(6);

        runOn(ranks, (collective, world) -> {
            SplittableRandom random = new SplittableRandom(seed);
            MemoryBox memory = collective.allocate("memory of its choice", 4 << 20);
            for (int step = 0; step < 40; step++) {
                ElementType type = random.nextBoolean() ? FLOAT32 : FLOAT64;
                ReduceOp op = List.of(ReduceOp.values()).get(random.nextInt(3));
                long length = random.nextLong(1L << random.nextInt(1, 18));
                int root = random.nextInt(ranks);
                long offset = 8L * random.nextInt(1 << 17);
                Vector vector = random.nextBoolean()
                        ? Vector.of(type, length)
                        : Vector.in(memory.region(), offset, type, length);
                vector.fill(i -> value(world.rank(), i));
                String what = "operation " + step + " of seed " + seed;
                switch (random.nextInt(4)) {
                    case 0 -> {
                        collective.allReduce(vector.region(), type, op, step, 0);
                        vector.check(what + ", all-reduce", i -> combined(op, ranks, i));
                    }
                    case 1 -> {
                        collective.reduceScatter(vector.region(), type, op, step, 0);
                        collective.allGather(vector.region(), type, step, 0);
                        vector.check(what + ", reduce-scatter and all-gather", i -> combined(op, ranks, i));
                    }
                    case 2 -> {
                        collective.broadcast(vector.region(), root, step, 0);
                        vector.check(what + ", broadcast", i -> value(root, i));
                    }
                    default -> collective.barrier(step);
                }
            }
            memory.close();
            memory.close();
        });
    }

    @ParameterizedTest(name = "{0} ranks")
    @MethodSource("worlds")
    void memoryThatACollectiveAllocatesIsZeroedAndWorksWithAllOperations(int ranks) throws Exception {
        runOn(ranks, (collective, world) -> {
            try (MemoryBox first = collective.allocate("gradients", 8 * LONG + 1024);
                    MemoryBox second = collective.allocate("gradients", 8 * LONG + 1024)) {
                assertThat(second.region().getDouble(8 * LONG)).isZero();
                int step = 0;
                for (long length : lengths(ranks).toArray()) {
                    for (ElementType type : ElementType.values()) {
                        for (MemoryBox box : length == LONG ? List.of(second) : List.of(first, second)) {
                            Vector vector = Vector.in(box.region(), 136, type, length);

                            vector.fill(i -> value(world.rank(), i));
                            collective.allReduce(vector.region(), type, SUM, step, 1);
                            vector.check("all-reduce", i -> combined(SUM, ranks, i));

                            vector.fill(i -> value(world.rank(), i));
                            collective.reduceScatter(vector.region(), type, MAX, step, 2);
                            Chunk own = Chunk.of(world.rank(), ranks, length);
                            vector.check("reduce-scatter", own.offset(), end(own), i -> combined(MAX, ranks, i));
                            collective.allGather(vector.region(), type, step, 3);
                            vector.check("all-gather", i -> combined(MAX, ranks, i));

                            vector.fill(i -> value(world.rank(), i));
                            collective.broadcast(vector.region(), ranks - 1, step++, 4);
                            vector.check("broadcast", i -> value(ranks - 1, i));
                        }
                    }
                }
            }
        });
    }

    /** Long vectors take time: one operation per type is enough. */
    private static List<ReduceOp> opsFor(long length, ElementType type) {
        if (length < LONG) {
            return List.of(ReduceOp.values());
        }
        return List.of(type == FLOAT32 ? SUM : MAX);
    }

    private static double combine(ReduceOp op, double a, double b) {
        return switch (op) {
            case SUM -> a + b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
        };
    }

    private static long end(Chunk chunk) {
        return chunk.offset() + chunk.length();
    }
}
