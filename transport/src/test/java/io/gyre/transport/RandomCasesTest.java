package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.allreduce.DirectCollective;
import io.gyre.allreduce.HierarchicalCollective;
import io.gyre.allreduce.RingCollective;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A thousand cases of operation, algorithm, network, world, length and place in memory, drawn from a seed that is
 * printed: repeat a run with {@code -Dgyre.test.seed=SEED}.
 *
 * <p>Values are integers so small that sums are exact in any order. The expected values are computed separately.
 */
@Timeout(300)
class RandomCasesTest {

    private static final long SEED = Long.getLong("gyre.test.seed", System.nanoTime());

    private static final String TWO_HOSTS = "two hosts";
    private static final int LONGEST = 40_000;
    private static final int CASES_LOCAL = 50;
    private static final int CASES_OF_PROCESSES = 25;

    /** Elements before and after the vector, which must not change. */
    private static final int FENCE = 3;

    private static final double UNTOUCHED = 12_345.5;

    @TempDir
    Path directory;

    private enum Operation {
        ALL_REDUCE,
        REDUCE_SCATTER,
        ALL_GATHER,
        BROADCAST
    }

    static Stream<Arguments> worlds() {
        Function<Endpoint, Collective> ring = RingCollective::new;
        Function<Endpoint, Collective> direct = DirectCollective::new;
        Function<Endpoint, Collective> hierarchical = HierarchicalCollective::new;
        return Stream.of(
                        IntStream.rangeClosed(1, 8).mapToObj(n -> Arguments.of("local", n, "ring", ring, CASES_LOCAL)),
                        IntStream.rangeClosed(1, 8)
                                .mapToObj(n -> Arguments.of("local", n, "direct", direct, CASES_LOCAL)),
                        IntStream.of(2, 3, 6)
                                .mapToObj(n -> Arguments.of("shm", n, "direct", direct, CASES_OF_PROCESSES)),
                        IntStream.of(2, 5).mapToObj(n -> Arguments.of("ipc", n, "ring", ring, CASES_OF_PROCESSES)),
                        IntStream.of(2, 3).mapToObj(n -> Arguments.of("udp", n, "ring", ring, CASES_OF_PROCESSES)),
                        IntStream.of(4)
                                .mapToObj(n ->
                                        Arguments.of(TWO_HOSTS, n, "hierarchical", hierarchical, CASES_OF_PROCESSES)))
                .flatMap(each -> each);
    }

    @ParameterizedTest(name = "{0}, {1} ranks, {2}, {4} cases")
    @MethodSource("worlds")
    void everyRankHoldsWhatWasComputedBesideIt(
            String network, int ranks, String algorithm, Function<Endpoint, Collective> collective, int cases)
            throws Exception {
        System.out.printf("%s of %d ranks over %s: -Dgyre.test.seed=%d%n", algorithm, ranks, network, SEED);
        LocalCluster cluster = switch (network) {
            case "local" -> Gyre.local(ranks);
            case TWO_HOSTS -> AeronCluster.onHosts(ranks, rank -> "host" + rank % 2, directory);
            default -> AeronCluster.of(ranks, TransportMode.of(network), directory);
        };

        cluster.run(session -> {
            try (Collective each = collective.apply(session.endpoint());
                    MemoryBox box = each.allocate("vectors", (LONGEST + 3L * FENCE) * Double.BYTES)) {
                SplittableRandom random = new SplittableRandom(SEED + ranks);
                for (int number = 0; number < cases; number++) {
                    new Case(number, random, each, box.region()).run();
                }
            }
        });
    }

    /** One call; all ranks draw the same one. */
    private static final class Case {
        private final int number;
        private final Collective collective;
        private final World world;
        private final Operation operation;
        private final ElementType type;
        private final ReduceOp op;
        private final int length;
        private final int root;
        private final long valuesSeed;
        private final Region fenced;
        private final Region data;

        Case(int number, SplittableRandom random, Collective collective, Region shared) {
            this.number = number;
            this.collective = collective;
            world = collective.world();
            operation = oneOf(Operation.values(), random);
            type = oneOf(ElementType.values(), random);
            op = oneOf(ReduceOp.values(), random);
            // Short vectors are as likely as long ones.
            length = random.nextInt(1 + (LONGEST >> random.nextInt(16)));
            root = random.nextInt(world.size());
            valuesSeed = random.nextLong();
            int shift = random.nextInt(FENCE);
            long bytes = (length + 2L * FENCE) * type.bytes();
            boolean inBox = random.nextBoolean();
            fenced =
                    inBox ? shared.slice(shift * (long) type.bytes(), bytes) : Region.allocate("case " + number, bytes);
            data = fenced.slice(FENCE * (long) type.bytes(), (long) length * type.bytes());
        }

        private static <T> T oneOf(T[] all, SplittableRandom random) {
            return all[random.nextInt(all.length)];
        }

        /** An integer from -512 to 511, different on every rank. */
        private int value(int rank, long index) {
            long bits = valuesSeed + rank * 0x9E3779B97F4A7C15L + index * 0xD1B54A32D192ED03L;
            bits = (bits ^ (bits >>> 32)) * 0xBF58476D1CE4E5B9L;
            return (int) (bits >>> 54) - 512;
        }

        void run() {
            long elements = fenced.byteLength() / type.bytes();
            for (long i = 0; i < elements; i++) {
                put(fenced, i, UNTOUCHED);
            }
            for (long i = 0; i < length; i++) {
                put(data, i, value(world.rank(), i));
            }
            call();
            for (long i = 0; i < length; i++) {
                if (isDefined(i)) {
                    check(i);
                }
            }
            for (long i = 0; i < elements; i++) {
                if (i < FENCE || i >= FENCE + length) {
                    assertThat(get(fenced, i)).as("%s: fence %d", this, i).isEqualTo(UNTOUCHED);
                }
            }
        }

        private void call() {
            switch (operation) {
                case ALL_REDUCE -> collective.allReduce(data, type, op, number, 0);
                case REDUCE_SCATTER -> collective.reduceScatter(data, type, op, number, 0);
                case ALL_GATHER -> collective.allGather(data, type, number, 0);
                case BROADCAST -> collective.broadcast(data, root, number, 0);
            }
        }

        private boolean isDefined(long i) {
            return operation != Operation.REDUCE_SCATTER || ownerOf(i) == world.rank();
        }

        private int ownerOf(long i) {
            int owner = 0;
            while (i >= Chunk.offset(owner + 1, world.size(), length)) {
                owner++;
            }
            return owner;
        }

        private void check(long i) {
            double expected = switch (operation) {
                case ALL_REDUCE, REDUCE_SCATTER -> combined(i);
                case ALL_GATHER -> value(ownerOf(i), i);
                case BROADCAST -> value(root, i);
            };
            double found = get(data, i);
            if (found != expected) {
                throw new AssertionError(this + ": rank " + world.rank() + " of " + world.size() + " holds " + found
                        + " at " + i + ", expected " + expected + "; seed " + SEED);
            }
        }

        private double combined(long i) {
            IntStream values = IntStream.range(0, world.size()).map(rank -> value(rank, i));
            return switch (op) {
                case SUM -> values.sum();
                case MAX -> values.max().orElseThrow();
                case MIN -> values.min().orElseThrow();
            };
        }

        private double get(Region region, long index) {
            return type == ElementType.FLOAT32
                    ? region.getFloat(index * Float.BYTES)
                    : region.getDouble(index * Double.BYTES);
        }

        private void put(Region region, long index, double value) {
            if (type == ElementType.FLOAT32) {
                region.putFloat(index * Float.BYTES, (float) value);
            } else {
                region.putDouble(index * Double.BYTES, value);
            }
        }

        @Override
        public String toString() {
            return "case " + number + ", " + operation + " " + op + " of " + length + " " + type;
        }
    }
}
