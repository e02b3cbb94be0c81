package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;

/** One bit of one rank's memory changes: no checkpoint contains the consequences, and the error names the rank. */
@Timeout(600)
class BitFlipTest {

    private static final long SEED = Long.getLong("gyre.test.seed", 19);
    private static final int FLIPS = Integer.getInteger("gyre.test.flips", 200);
    private static final int FEW_FLIPS = 28;
    private static final int RANKS = 3;
    private static final int STEPS = 12;
    private static final int EVERY_STEPS = 4;
    /** Small, so that the small model is compared in as many slices as a large one. */
    private static final long SHORT_SLICES = 64;

    @TempDir
    Path directory;

    static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
    }

    static ShardedData vectors() {
        return ShardedData.of(ExampleSource.of(TestData.vectors(RANKS * 4 * STEPS, DataType.FLOAT, 1)), 4, 3);
    }

    /** Trains; returns the error of each rank that failed, by rank. */
    private static Map<Integer, String> train(
            TestNetwork network, Path checkpoints, BitFlip flip, long leastSliceBytes, Overlap overlap)
            throws InterruptedException {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        try {
            network.cluster(RANKS).run(session -> {
                try {
                    train(session, checkpoints, flip, leastSliceBytes, overlap);
                } catch (GyreException e) {
                    messages.put(session.world().rank(), String.valueOf(e.getMessage()));
                    throw e;
                }
            });
        } catch (GyreException e) {
            assertThat(messages).as("the ranks' own failures, of " + e).isNotEmpty();
        }
        return messages;
    }

    private static void train(Session session, Path checkpoints, BitFlip flip, long leastSliceBytes, Overlap overlap) {
        MultiLayerNetwork model = perceptron();
        BitFlip own = flip.rank() == session.world().rank() ? flip : new BitFlip(flip.where(), flip.rank(), -1, 0);
        FlippingListener listener = new FlippingListener(own);
        model.addListeners(listener);
        TrainerBuilder builder = DistributedTrainer.builder(model, session)
                .checkpointDirectory(checkpoints)
                .checkpointEverySteps(EVERY_STEPS)
                .keepCheckpoints(STEPS)
                .overlap(overlap)
                .bucketBytes(700)
                .leastSliceBytes(leastSliceBytes);
        try (Collective collective = Collectives.choose(session.endpoint(), Algorithm.AUTO);
                DistributedTrainer trainer = builder.strategy(new FlippingStrategy(collective, own, listener.passes))
                        .build()) {
            trainer.fit(vectors(), 1);
        }
    }

    private static final BitFlip NONE = new BitFlip(BitFlip.Where.PARAMETERS, 0, -1, 0);

    /** The checkpoints of an undisturbed run. */
    private Map<String, byte[]> undisturbed() throws Exception {
        Path clean = directory.resolve("clean");
        assertThat(train(TestNetwork.LOCAL, clean, NONE, ReplicaSlices.LEAST_BYTES, Overlap.OFF))
                .isEmpty();
        Map<String, byte[]> files = files(clean);
        assertThat(files).hasSize(STEPS / EVERY_STEPS);
        return files;
    }

    private static Map<String, byte[]> files(Path checkpoints) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> all = Files.list(checkpoints)) {
            for (Path file : all.toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private static void assertNoneIsPoisoned(Map<String, byte[]> files, Map<String, byte[]> clean, BitFlip flip) {
        assertThat(files.size())
                .as("checkpoints of %s", flip)
                .isEqualTo(flip.step() / EVERY_STEPS
                        - (flip.step() % EVERY_STEPS == 0 && isBeforeCheckpoint(flip) ? 1 : 0));
        files.forEach((name, bytes) -> assertThat(Arrays.equals(bytes, clean.get(name)))
                .as("%s of %s is as without it", name, flip)
                .isTrue());
    }

    /** A bit that changes at the end of a step changes before the checkpoint of that step. */
    private static boolean isBeforeCheckpoint(BitFlip flip) {
        return flip.where() == BitFlip.Where.PARAMETERS || flip.where() == BitFlip.Where.UPDATER_STATE;
    }

    private static void assertNamed(Map<Integer, String> messages, BitFlip flip) {
        assertThat(messages).as("failures of %s", flip).hasSize(RANKS);
        assertThat(messages.values()).as("%s", flip).containsOnly(messages.get(0));
        String named = " rank " + flip.rank() + " (";
        if (flip.where() == BitFlip.Where.GRADIENTS) {
            assertThat(messages.get(0))
                    .as("%s", flip)
                    .startsWith("the gradients of step " + flip.step() + " were changed between the backward pass and")
                    .contains(": on" + named)
                    .containsOnlyOnce(" on rank ");
        } else {
            assertThat(messages.get(0))
                    .as("%s", flip)
                    .contains(named)
                    .contains("differs from the other 2 ranks, first in the ");
        }
    }

    @Test
    void aBitIsFoundBeforeTheNextCheckpointWithTheRightName() throws Exception {
        flip(FEW_FLIPS);
    }

    /** Demonstration: 200 random places, or as many as {@code gyre.test.flips} says. */
    @Test
    @Tag("long")
    @Timeout(3600)
    void everyBitIsFoundBeforeTheNextCheckpointWithTheRightName() throws Exception {
        flip(FLIPS);
    }

    /** Every flip is detected, in the step in which it happens, before its update. */
    private void flip(int flips) throws Exception {
        System.out.printf("%d flips from seed %d%n", flips, SEED);
        Map<String, byte[]> clean = undisturbed();
        Random random = new Random(SEED);
        BitFlip.Where[] places = {
            BitFlip.Where.PARAMETERS,
            BitFlip.Where.UPDATER_STATE,
            BitFlip.Where.GRADIENTS,
            BitFlip.Where.SUMS,
            BitFlip.Where.PARAMETERS_IN_PASS,
            BitFlip.Where.UPDATER_STATE_IN_PASS,
            BitFlip.Where.GRADIENTS
        };
        for (int i = 0; i < flips; i++) {
            BitFlip flip = BitFlip.random(random, places[i % places.length], RANKS, STEPS);
            Path checkpoints = directory.resolve("flip-" + i);
            TestNetwork network = i % 10 == 0 ? TestNetwork.SHM : TestNetwork.LOCAL;
            Overlap overlap = i % 2 == 0 ? Overlap.OFF : Overlap.ON;

            Map<Integer, String> messages = train(network, checkpoints, flip, ReplicaSlices.LEAST_BYTES, overlap);

            assertNamed(messages, flip);
            if (flip.where() != BitFlip.Where.GRADIENTS) {
                assertThat(messages.get(0)).as("%s", flip).contains("after step " + flip.step() + " ");
            }
            assertNoneIsPoisoned(files(checkpoints), clean, flip);
        }
    }

    /** Rounding may remove a difference in the last digits before its slice is compared. */
    @ParameterizedTest
    @CsvSource({"PARAMETERS", "UPDATER_STATE", "SUMS", "SUMS_AFTER_REPORT"})
    void inSlicesABitIsFoundOrRoundedAway(BitFlip.Where where) throws Exception {
        undisturbed();
        Random random = new Random(SEED);
        int roundedAway = 0;
        int flips = FEW_FLIPS / 2;
        for (int i = 0; i < flips; i++) {
            BitFlip flip = BitFlip.random(random, where, RANKS, STEPS);
            Path checkpoints = directory.resolve("flip-" + i);

            Map<Integer, String> messages = train(TestNetwork.LOCAL, checkpoints, flip, SHORT_SLICES, Overlap.OFF);

            if (messages.isEmpty()) {
                // In this case all ranks agreed on every checkpoint, and on the final state.
                roundedAway++;
                assertThat(files(checkpoints)).as("%s", flip).hasSize(STEPS / EVERY_STEPS);
            } else {
                assertNamed(messages, flip);
                assertThat(files(checkpoints).size())
                        .as("checkpoints of %s", flip)
                        .isLessThan(STEPS / EVERY_STEPS);
            }
        }
        System.out.printf("%d flips in %s from seed %d, in slices: %d rounded away%n", flips, where, SEED, roundedAway);
        assertThat(roundedAway).isLessThan(flips / 2);
    }

    /** Otherwise only that rank would stop before its update, and the others would wait for it. */
    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void aSumThatIsNotFiniteOnOneRankAloneIsFoundBeforeItsSliceHasItsTurn(Overlap overlap) throws Exception {
        BitFlip flip = new BitFlip(BitFlip.Where.NAN_IN_SUMS, 1, 5, 0.99);

        Map<Integer, String> messages =
                train(TestNetwork.LOCAL, directory.resolve("flip"), flip, SHORT_SLICES, overlap);

        assertNamed(messages, flip);
        assertThat(messages.get(0))
                .contains("first in the sums of the gradients at element ")
                .contains("NaN (");
    }

    /** A bit of a sum may have no effect: the run then equals the undisturbed one. */
    @Test
    void aBitOfASumIsFoundOrHasNoConsequence() throws Exception {
        Map<String, byte[]> clean = undisturbed();
        Random random = new Random(SEED);
        int withoutConsequence = 0;
        for (int i = 0; i < FEW_FLIPS; i++) {
            BitFlip flip = BitFlip.random(random, BitFlip.Where.SUMS_AFTER_REPORT, RANKS, STEPS);
            Path checkpoints = directory.resolve("flip-" + i);

            Map<Integer, String> messages =
                    train(TestNetwork.LOCAL, checkpoints, flip, ReplicaSlices.LEAST_BYTES, Overlap.OFF);

            Map<String, byte[]> files = files(checkpoints);
            if (messages.isEmpty()) {
                withoutConsequence++;
                assertThat(files).hasSize(clean.size());
            } else {
                assertNamed(messages, flip);
                assertThat(files.size()).as("checkpoints of %s", flip).isEqualTo(flip.step() / EVERY_STEPS);
            }
            files.forEach((name, bytes) -> assertThat(Arrays.equals(bytes, clean.get(name)))
                    .as("%s of %s is as without it", name, flip)
                    .isTrue());
        }
        System.out.printf(
                "%d flips in sums after their comparison, from seed %d: %d changed nothing%n",
                FEW_FLIPS, SEED, withoutConsequence);
    }

    /** A rank receives a state that differs in a bit from the checkpoint. */
    @ParameterizedTest
    @CsvSource({"0", "1", "2"})
    void whatARankHoldsAfterResumingIsComparedWithTheCheckpoint(int rank) throws Exception {
        Path checkpoints = directory.resolve("resumed");
        assertThat(train(TestNetwork.LOCAL, checkpoints, NONE, ReplicaSlices.LEAST_BYTES, Overlap.OFF))
                .isEmpty();
        Map<Integer, String> messages = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> {
                    int own = session.world().rank();
                    BitFlip flip = new BitFlip(BitFlip.Where.START, rank, own == rank ? 0 : -1, 0.7);
                    try (Collective collective = Collectives.choose(session.endpoint(), Algorithm.AUTO)) {
                        DistributedTrainer.builder(perceptron(), session)
                                .checkpointDirectory(checkpoints)
                                .resume(true)
                                .strategy(new FlippingStrategy(collective, flip, new Semaphore(0)))
                                .build()
                                .close();
                    } catch (GyreException e) {
                        messages.put(own, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);

        assertThat(messages).hasSize(RANKS);
        assertThat(messages.values()).containsOnly(messages.get(0));
        assertThat(messages.get(0))
                .startsWith("the state of the checkpoint of step " + STEPS + " has the checksum ")
                .containsPattern("but rank " + rank + " \\(.*\\) holds ")
                .contains("It was changed on its way there");
        for (int other = 0; other < RANKS; other++) {
            if (other != rank) {
                assertThat(messages.get(0)).doesNotContain("rank " + other + " (");
            }
        }
    }
}
