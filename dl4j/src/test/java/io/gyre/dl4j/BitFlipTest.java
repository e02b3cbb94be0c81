package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.paramserver.ParameterService;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.GradientReduction;
import io.gyre.training.ParameterExchange;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import io.gyre.training.UpdateStrategy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
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

    /** Which memory a bit changes in, and when. */
    private enum Where {
        /** After all ranks have received the initial state. */
        START,
        /** After an update. */
        PARAMETERS,
        /** During a backward pass. */
        PARAMETERS_IN_PASS,
        UPDATER_STATE,
        UPDATER_STATE_IN_PASS,
        /** A rank's own gradients, while they wait for the exchange. */
        GRADIENTS,
        /** The gradients' sums, before ranks report on them. */
        SUMS,
        /** Not a bit, but a whole element of the sums becomes NaN. */
        NAN_IN_SUMS,
        /** The gradients' sums, after the report and before the update. */
        SUMS_AFTER_REPORT
    }

    /**
     * One bit.
     *
     * @param step number of steps finished before
     * @param place position of the bit in the vector, between 0 and 1
     */
    private record Flip(Where where, int rank, int step, double place) {

        static Flip random(Random random, Where where) {
            return new Flip(where, random.nextInt(RANKS), 1 + random.nextInt(STEPS - 2), random.nextDouble());
        }

        void apply(Region memory) {
            long bit = (long) (place * memory.byteLength() * Byte.SIZE);
            long at = bit / Byte.SIZE;
            if (where == Where.NAN_IN_SUMS) {
                memory.putFloat(at / Float.BYTES * Float.BYTES, Float.NaN);
                return;
            }
            int offset = memory.windowOffset(at);
            memory.window(at).put(offset, (byte) (memory.window(at).get(offset) ^ (1 << bit % Byte.SIZE)));
        }
    }

    /** Changes the bit from inside Deeplearning4j. */
    private static final class FlippingListener extends BaseTrainingListener {
        private final Flip flip;
        private final Semaphore passes = new Semaphore(0);

        FlippingListener(Flip flip) {
            this.flip = flip;
        }

        @Override
        public void onGradientCalculation(Model model) {
            passes.release();
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            if (iteration + 1 == flip.step()) {
                flip(model, Where.PARAMETERS, Where.UPDATER_STATE);
            }
        }

        @Override
        public void onBackwardPass(Model model) {
            if (Network.of(model).step() == flip.step()) {
                flip(model, Where.PARAMETERS_IN_PASS, Where.UPDATER_STATE_IN_PASS);
            }
        }

        private void flip(Model model, Where inParameters, Where inUpdaterState) {
            if (flip.where() == inParameters) {
                flip.apply(HostMemory.region("parameters", model.params()));
            } else if (flip.where() == inUpdaterState) {
                INDArray state = Network.of(model).updater().getStateViewArray();
                flip.apply(HostMemory.region("updater state", state));
            }
        }
    }

    /** Synchronous training that changes a bit of the gradients' sums. */
    private static final class FlippingStrategy implements UpdateStrategy, GradientReduction {
        private final Synchronous synchronous;
        private final GradientReduction reduction;
        private final Flip flip;
        private final Semaphore passes;
        private TrainableModel model;

        /** One permit per completed pass of this rank. */
        FlippingStrategy(Collective collective, Flip flip, Semaphore passes) {
            synchronous = new Synchronous(collective);
            reduction = synchronous.reduction();
            this.flip = flip;
            this.passes = passes;
        }

        @Override
        public String name() {
            return synchronous.name();
        }

        @Override
        public GradientReduction reduction() {
            return this;
        }

        @Override
        public ParameterExchange exchange() {
            return synchronous.exchange();
        }

        @Override
        public List<Integer> ranks(World world) {
            return reduction.ranks(world);
        }

        @Override
        public MemoryBox allocate(long byteLength) {
            return reduction.allocate(byteLength);
        }

        @Override
        public void start(TrainableModel trained) {
            model = trained;
            reduction.start(trained);
            if (flip.where() == Where.START && flip.step() == 0) {
                flip.apply(trained.parameters());
            }
        }

        @Override
        public void reduce(TrainableModel trained, Bucket bucket, long step) {
            if (flip.where() == Where.GRADIENTS && step == flip.step() && bucket.index() == 0) {
                // The first bucket is the end of the vector: the others wait until it has been reduced.
                passes.acquireUninterruptibly(flip.step() + 1);
                flip.apply(trained.gradients().slice(0, bucket.offset() * Float.BYTES));
            }
            reduction.reduce(trained, bucket, step);
            if ((flip.where() == Where.SUMS || flip.where() == Where.NAN_IN_SUMS)
                    && step == flip.step()
                    && bucket.index() == trained.bucketPlan().buckets().size() - 1) {
                flip.apply(trained.gradients());
            }
        }

        @Override
        public StepSummary summarise(StepReport own, long step) {
            StepSummary total = reduction.summarise(own, step);
            if (flip.where() == Where.SUMS_AFTER_REPORT && step == flip.step()) {
                flip.apply(model.gradients());
            }
            return total;
        }
    }

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
    }

    private static ShardedData vectors() {
        return ShardedData.of(ExampleSource.of(TestData.vectors(RANKS * 4 * STEPS, DataType.FLOAT, 1)), 4, 3);
    }

    /** Trains; returns the error of each rank that failed, by rank. */
    private static Map<Integer, String> train(
            TestNetwork network, Path checkpoints, Flip flip, long leastSliceBytes, Overlap overlap)
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

    private static void train(Session session, Path checkpoints, Flip flip, long leastSliceBytes, Overlap overlap) {
        MultiLayerNetwork model = perceptron();
        Flip own = flip.rank() == session.world().rank() ? flip : new Flip(flip.where(), flip.rank(), -1, 0);
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

    private static final Flip NONE = new Flip(Where.PARAMETERS, 0, -1, 0);

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

    private static void assertNoneIsPoisoned(Map<String, byte[]> files, Map<String, byte[]> clean, Flip flip) {
        assertThat(files.size())
                .as("checkpoints of %s", flip)
                .isEqualTo(flip.step() / EVERY_STEPS
                        - (flip.step() % EVERY_STEPS == 0 && isBeforeCheckpoint(flip) ? 1 : 0));
        files.forEach((name, bytes) -> assertThat(Arrays.equals(bytes, clean.get(name)))
                .as("%s of %s is as without it", name, flip)
                .isTrue());
    }

    /** A bit that changes at the end of a step changes before the checkpoint of that step. */
    private static boolean isBeforeCheckpoint(Flip flip) {
        return flip.where() == Where.PARAMETERS || flip.where() == Where.UPDATER_STATE;
    }

    private static void assertNamed(Map<Integer, String> messages, Flip flip) {
        assertThat(messages).as("failures of %s", flip).hasSize(RANKS);
        assertThat(messages.values()).as("%s", flip).containsOnly(messages.get(0));
        String named = " rank " + flip.rank() + " (";
        if (flip.where() == Where.GRADIENTS) {
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
        Where[] places = {
            Where.PARAMETERS,
            Where.UPDATER_STATE,
            Where.GRADIENTS,
            Where.SUMS,
            Where.PARAMETERS_IN_PASS,
            Where.UPDATER_STATE_IN_PASS,
            Where.GRADIENTS
        };
        for (int i = 0; i < flips; i++) {
            Flip flip = Flip.random(random, places[i % places.length]);
            Path checkpoints = directory.resolve("flip-" + i);
            TestNetwork network = i % 10 == 0 ? TestNetwork.SHM : TestNetwork.LOCAL;
            Overlap overlap = i % 2 == 0 ? Overlap.OFF : Overlap.ON;

            Map<Integer, String> messages = train(network, checkpoints, flip, ReplicaSlices.LEAST_BYTES, overlap);

            assertNamed(messages, flip);
            if (flip.where() != Where.GRADIENTS) {
                assertThat(messages.get(0)).as("%s", flip).contains("after step " + flip.step() + " ");
            }
            assertNoneIsPoisoned(files(checkpoints), clean, flip);
        }
    }

    /** Rounding may remove a difference in the last digits before its slice is compared. */
    @ParameterizedTest
    @CsvSource({"PARAMETERS", "UPDATER_STATE", "SUMS", "SUMS_AFTER_REPORT"})
    void inSlicesABitIsFoundOrRoundedAway(Where where) throws Exception {
        undisturbed();
        Random random = new Random(SEED);
        int roundedAway = 0;
        int flips = FEW_FLIPS / 2;
        for (int i = 0; i < flips; i++) {
            Flip flip = Flip.random(random, where);
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
        Flip flip = new Flip(Where.NAN_IN_SUMS, 1, 5, 0.99);

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
            Flip flip = Flip.random(random, Where.SUMS_AFTER_REPORT);
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
                    Flip flip = new Flip(Where.START, rank, own == rank ? 0 : -1, 0.7);
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

    private static String messageOf(int ranks, List<Integer> wrong) {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        assertThatThrownBy(() -> Gyre.local(ranks).run(session -> {
                    MultiLayerNetwork model = perceptron();
                    int rank = session.world().rank();
                    if (wrong.contains(rank)) {
                        model.addListeners(new FlippingListener(new Flip(Where.PARAMETERS, rank, 2, 0.5)));
                    }
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(vectors(), 1);
                    } catch (GyreException e) {
                        messages.put(rank, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);
        assertThat(messages).hasSize(ranks);
        assertThat(messages.values()).containsOnly(messages.get(0));
        return messages.get(0);
    }

    @Test
    void twoRanksCannotTellWhichIsWrong() {
        assertThat(messageOf(2, List.of(1)))
                .startsWith("after step 2 rank 0 (")
                .contains("and rank 1 (")
                .contains("differ, and one of the two is wrong: with two ranks it is not known which")
                .contains("first in the parameters at element ")
                .contains("Resume from the last checkpoint");
    }

    @Test
    void withoutAMajorityTheGroupsAreListed() {
        assertThat(messageOf(4, List.of(1, 3)))
                .containsPattern(
                        "after step 2 \\[rank 0 \\(.*\\), rank 2 \\(.*\\)] and \\[rank 1 \\(.*\\), rank 3 \\(.*\\)]")
                .contains("differ, and none of these groups is a majority");
    }

    @Test
    void twoOfFiveMayBeWrong() {
        assertThat(messageOf(5, List.of(1, 3)))
                .containsPattern("after step 2 rank 1 \\(.*\\), rank 3 \\(.*\\) differ from the other 3 ranks")
                .containsPattern(" on ranks 0, 2, 4; .* on ranks 1, 3");
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void aGroupComparesItsOwnReplicas(Overlap overlap) {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        assertThatThrownBy(() -> Gyre.local(5).run(session -> {
                    MultiLayerNetwork model = perceptron();
                    int rank = session.world().rank();
                    if (rank == 4) {
                        model.addListeners(new FlippingListener(new Flip(Where.UPDATER_STATE, rank, 3, 0.5)));
                    }
                    try (ParameterService service =
                                    ParameterService.builder(session).groups(2).start();
                            Collective group =
                                    Collectives.choose(service.group().endpoint());
                            DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                                    .strategy(Strategies.hybridElastic(model, service, group, 1))
                                    .overlap(overlap)
                                    .build()) {
                        trainer.fit(vectors(), 1);
                    } catch (GyreException e) {
                        messages.put(rank, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);

        assertThat(messages.get(4))
                .startsWith("after step 3 rank 3 (")
                .contains("and rank 4 (")
                .contains("differ, and one of the two is wrong")
                .contains("first in the updater state at element ");
        assertThat(messages.get(3)).isEqualTo(messages.get(4));
    }
}
