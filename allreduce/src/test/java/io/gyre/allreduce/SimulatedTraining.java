package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.PeerLostException;
import io.gyre.ReduceOp;
import io.gyre.kernel.ScalarKernels;
import io.gyre.membership.Membership;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.testkit.SimulatedProcess;
import io.gyre.testkit.SimulatedRun;
import io.gyre.testkit.SimulatedTime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The program of all ranks of a simulated run. In each round, the lower ranks compute and reduce a vector; the upper
 * ones, which are expendable, compute and push a frame to rank 0; then all exchange a value. Every result is checked.
 */
final class SimulatedTraining implements SimulatedProcess.Program {

    static final int ROUNDS = 6;
    static final Duration LONGEST_COMPUTATION = Duration.ofSeconds(2);

    private static final int PUSH_BYTES = 8;

    private final SimulatedTime time;
    private final int worldSize;
    private final int reducers;
    private final int elements;
    private final float[][] sums = new float[ROUNDS][];
    private final List<Integer> everybody;

    /** By exchange and rank: the values that those that took part got. */
    private final Map<Integer, TreeMap<Integer, String>> given = new HashMap<>();

    private int reduced;
    private int pushed;
    private int repeated;

    /**
     * Creates the program of one run.
     *
     * @param reducers number of ranks that are not expendable, at least 1
     * @param elements length of the reduced vectors
     */
    SimulatedTraining(SimulatedTime time, int worldSize, int reducers, int elements) {
        this.time = time;
        this.worldSize = worldSize;
        this.reducers = reducers;
        this.elements = elements;
        everybody = IntStream.range(0, worldSize).boxed().toList();
    }

    boolean isExpendable(int rank) {
        return rank >= reducers;
    }

    /** Number of all-reduces whose result was right. */
    int reduced() {
        return reduced;
    }

    /** Number of pushes that have arrived. */
    int pushed() {
        return pushed;
    }

    /** Number of exchanges in which a restarted rank got its predecessor's value. */
    int repeated() {
        return repeated;
    }

    @Override
    public void run(SimulatedProcess self) {
        int rank = self.member().rank();
        if (isExpendable(rank)) {
            self.membership().beExpendable(SimulatedRun.PEER_TIMEOUT);
            push(self);
        } else {
            reduce(self);
        }
    }

    private void reduce(SimulatedProcess self) {
        Endpoint group = self.endpoint().group(IntStream.range(0, reducers).toArray());
        Pushes pushes = new Pushes(self);
        Region data = Region.allocate("gradients", (long) elements * Float.BYTES);
        try (Collective collective = new RingCollective(group, new ScalarKernels())) {
            for (int round = 0; round < ROUNDS; round++) {
                time.sleep(LONGEST_COMPUTATION.toNanos());
                for (int i = 0; i < elements; i++) {
                    data.putFloat((long) i * Float.BYTES, gradient(self.member().rank(), round, i));
                }
                collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, round, 3);
                checkSum(self, data, round);
                pushes.take(round);
                exchange(self, round);
            }
        }
        pushes.take(ROUNDS);
    }

    /** One number of a rank's vector: any bits, with exponents so different that the order of a sum shows. */
    private static float gradient(int rank, int round, int element) {
        int hash = (rank * 31 + round) * 0x9E3779B9 + element * 0x85EBCA6B;
        hash = (hash ^ hash >>> 15) * 0x2C1B3C6D;
        hash ^= hash >>> 13;
        int exponent = 120 + (hash >>> 27);
        return Float.intBitsToFloat((hash & 0x807fffff) | (exponent << 23));
    }

    private void checkSum(SimulatedProcess self, Region data, int round) {
        float[] sum = sums[round] == null ? sum(round) : sums[round];
        sums[round] = sum;
        for (int i = 0; i < elements; i++) {
            int got = Float.floatToRawIntBits(data.getFloat((long) i * Float.BYTES));
            if (got != Float.floatToRawIntBits(sum[i])) {
                throw new AssertionError(self + ", round " + round + ": element " + i + " of " + elements + " is "
                        + Float.intBitsToFloat(got) + " and not " + sum[i]);
            }
        }
        reduced++;
    }

    /** The sequential sum: in rank order, or for each chunk in ring order, as the algorithms promise. */
    private float[] sum(int round) {
        boolean oneShot = OneShotAllReduce.suits(reducers, (long) elements * Float.BYTES);
        float[] sum = new float[elements];
        for (int chunk = 0; chunk < reducers; chunk++) {
            int first = oneShot ? 0 : (chunk + 1) % reducers;
            Chunk part = Chunk.of(chunk, reducers, elements);
            for (int i = (int) part.offset(); i < part.offset() + part.length(); i++) {
                sum[i] = gradient(first, round, i);
                for (int next = 1; next < reducers; next++) {
                    sum[i] += gradient((first + next) % reducers, round, i);
                }
            }
        }
        return sum;
    }

    private void push(SimulatedProcess self) {
        Activity activity = new Activity();
        Frame frame = new Frame();
        Region data = Region.allocate("push", PUSH_BYTES);
        Endpoint endpoint = self.endpoint();
        for (int round = 0; round <= ROUNDS; round++) {
            if (round < ROUNDS) {
                time.sleep(LONGEST_COMPUTATION.toNanos());
            }
            activity.begin("push", round, -1, 0);
            activity.waitingFor(endpoint.member(0), 0);
            frame.set(Frame.Kind.DATA, round, 0, 0, PUSH_BYTES, PUSH_BYTES);
            while (!endpoint.sender(0).offer(frame, data, 0)) {
                endpoint.await(0, activity);
            }
            endpoint.await(1, activity);
            if (round < ROUNDS) {
                exchange(self, round);
            }
        }
    }

    /** What rank 0 receives from the expendable ranks: each push once, in order, unless its sender was lost. */
    private final class Pushes {
        private final Endpoint endpoint;
        private final Membership membership;
        private final Activity activity = new Activity();
        private final long[] next = new long[worldSize];
        private final int[] incarnations = new int[worldSize];

        Pushes(SimulatedProcess self) {
            endpoint = self.endpoint();
            membership = self.membership();
        }

        /** Waits for the pushes of all expendable ranks up to a round. */
        void take(int round) {
            if (endpoint.world().isRoot()) {
                for (int worker = reducers; worker < worldSize; worker++) {
                    take(worker, round);
                }
            }
        }

        private void take(int worker, int round) {
            activity.begin("taking pushes", round, -1, 0);
            while (next[worker] <= round) {
                try {
                    activity.waitingFor(endpoint.member(worker), 0);
                    int frames = endpoint.receiver(worker)
                            .poll(
                                    (frame, payload, offset) -> {
                                        assertThat(frame.step())
                                                .as("push of rank %d", worker)
                                                .isEqualTo(next[worker]++);
                                        pushed++;
                                        return true;
                                    },
                                    ROUNDS);
                    endpoint.await(frames, activity);
                } catch (PeerLostException e) {
                    if (e.rank() != worker || membership.hasEnded()) {
                        throw e;
                    }
                    if (membership.incarnation(worker) == incarnations[worker]) {
                        assertThat(membership.howLeft(worker))
                                .as("end of a rank whose pushes are missing")
                                .doesNotStartWith(PeerLostException.LEFT);
                        return;
                    }
                    incarnations[worker] = membership.incarnation(worker);
                    endpoint.renew(worker);
                    next[worker] = 0;
                }
            }
        }
    }

    private void exchange(SimulatedProcess self, int round) {
        byte[] own = value(self).getBytes(StandardCharsets.UTF_8);
        check(self, round, self.membership().exchange(everybody, "round " + round, own, SimulatedRun.PEER_TIMEOUT));
    }

    private static String value(SimulatedProcess process) {
        return "a value of " + process;
    }

    /** All get the same values, except a restarted worker, which finds its own value where its seat was empty. */
    private void check(SimulatedProcess self, int round, List<byte[]> values) {
        int rank = self.member().rank();
        TreeMap<Integer, String> known = given.computeIfAbsent(round, key -> new TreeMap<>());
        for (int of = 0; of < worldSize; of++) {
            String value = new String(values.get(of), StandardCharsets.UTF_8);
            boolean ownAndNew = of == rank && value.equals(value(self));
            String before = ownAndNew ? known.getOrDefault(of, "") : known.putIfAbsent(of, value);
            assertThat(before == null || before.equals(value) || (ownAndNew && before.isEmpty()))
                    .as("%s in round %d: %s, before %s", self, round, value, before)
                    .isTrue();
            repeated += of == rank && !value.equals(value(self)) ? 1 : 0;
            assertThat(value.isEmpty() && !isExpendable(of))
                    .as("an empty value of rank %d", of)
                    .isFalse();
        }
    }
}
