package io.gyre.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.local.Gyre;
import io.gyre.samples.model.SampleModel;
import io.gyre.spark.DigitsProgram.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.sql.SparkSession;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.classification.Evaluation;

/**
 * A LeNet on real digits, in executors that are processes. {@code -Dgyre.digits=DIRECTORY} says where the files of
 * MNIST are; without them the class is skipped.
 */
@Tag("processes")
@Tag("long")
class DigitsTest {

    private static final int RANKS = 2;
    private static final int EPOCHS = 3;
    private static final int STEPS = 8;

    private static SparkSession spark;

    @TempDir
    private Path directory;

    /** The files, if they are there. */
    static Path digits() {
        Path files = Path.of(System.getProperty("gyre.digits", "../../shared/data/mnist-10k"));
        boolean there = Files.isDirectory(files);
        if (!there) {
            System.out.println("skipped: there are no digits in " + files + "; -Dgyre.digits names another directory");
        }
        assumeTrue(there, "no digits in " + files);
        return files.toAbsolutePath().normalize();
    }

    @BeforeAll
    static void start() {
        digits();
        spark = LocalSpark.processes(RANKS);
    }

    @AfterAll
    static void stop() throws IOException {
        if (spark != null) {
            spark.close();
        }
    }

    @Test
    void asAFrameTheyAreLearnedAlthoughAnExecutorIsKilled() throws Exception {
        DigitsProgram program = new DigitsProgram(spark, digits(), RANKS);
        learned(program, gyre -> program.trainOnFrame(gyre, EPOCHS));
    }

    @Test
    void asAnRddTheyAreLearnedAlthoughAnExecutorIsKilled() throws Exception {
        DigitsProgram program = new DigitsProgram(spark, digits(), RANKS);
        learned(program, gyre -> program.trainOnRdd(gyre, EPOCHS));
    }

    /** The executor is killed after the first checkpoint: the second epoch has begun. */
    private void learned(DigitsProgram program, Function<GyreSpark<MultiLayerNetwork>, Evaluation> training)
            throws Exception {
        Path checkpoints = Files.createDirectories(directory.resolve("fit-1"));
        GyreSpark<MultiLayerNetwork> gyre = program.builder()
                .checkpointDirectory(directory.toUri().toString())
                .build();
        try (ExecutorKill kill = ExecutorKill.when(checkpoints, file -> file.startsWith("step-"))) {
            double accuracy = training.apply(gyre).accuracy();

            System.out.println("digits: accuracy " + accuracy + ", process " + kill.killed() + " was killed");
            assertThat(accuracy).isGreaterThanOrEqualTo(0.978);
            assertThat(gyre.network().getEpochCount()).isEqualTo(EPOCHS);
        }
    }

    @Test
    void bothFormsHaveTheSameExamples() {
        DigitsProgram program = new DigitsProgram(spark, digits(), RANKS);
        GyreSpark<MultiLayerNetwork> onFrame = program.builder().build();
        GyreSpark<MultiLayerNetwork> onRdd = program.builder().build();

        program.trainOnFrame(onFrame, 1);
        program.trainOnRdd(onRdd, 1);

        assertThat(onRdd.network().params()).isEqualTo(onFrame.network().params());
    }

    @Test
    void theProgramOfGyreTrainHasTheBitsOfRanksWithoutSpark() throws Exception {
        Path digits = digits();
        List<Outcome> without = Gyre.local(RANKS).call(session -> DigitsProgram.train(session, digits, STEPS));

        assertThat(new DigitsProgram(spark, digits, RANKS).trainAsWithoutSpark(digits, STEPS))
                .isEqualTo(without.get(0));
        assertThat(SampleModel.LENET.defaultBatch()).isEqualTo(16);
    }
}
