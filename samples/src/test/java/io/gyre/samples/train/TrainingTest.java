package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import io.gyre.samples.data.SampleData;
import io.gyre.session.Groups;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;

class TrainingTest {

    @TempDir
    Path directory;

    @Test
    void anMlpOnTwoRanksLearnsToReadDrawnDigits() throws Exception {
        List<TrainReport> reports = train(2, "mlp", "--epochs", "3");

        TrainReport report = reports.get(0);
        assertThat(reports.get(1).accuracy()).isEqualTo(report.accuracy());
        assertThat(report.accuracy()).isGreaterThan(0.96);
        assertThat(report.lossFirst()).isGreaterThan(1.5);
        assertThat(report.lossLast()).isLessThan(0.5);
        assertThat(report.parametersSha256()).hasSize(2);
        assertThat(report.parametersSha256().get(1))
                .isEqualTo(report.parametersSha256().get(0))
                .hasSize(64);
    }

    @Test
    void aGraphOfSameDiffIsTrainedLikeANetwork() throws Exception {
        TrainReport report =
                train(2, "lenet-samediff", "--steps", "6", "--batch", "8").get(0);

        assertThat(report.model()).isEqualTo("lenet-samediff");
        assertThat(report.lossLast()).isLessThan(report.lossFirst());
        assertThat(report.accuracy()).isGreaterThan(0.1);
        assertThat(report.parametersSha256().get(1))
                .isEqualTo(report.parametersSha256().get(0));
    }

    @Test
    void theReportCountsWhatWasDone() throws Exception {
        TrainReport report = train(2, "mlp", "--epochs", "2", "--batch", "500").get(0);

        assertThat(report.ranks()).isEqualTo(2);
        assertThat(report.strategy()).isEqualTo("allreduce");
        assertThat(report.steps()).isEqualTo(16);
        assertThat(report.epochs()).isEqualTo(2);
        assertThat(report.examples()).isEqualTo(16_000);
        assertThat(report.seconds()).isPositive();
        assertThat(report.examplesPerSecond()).isCloseTo(16_000 / report.seconds(), within(1e-6));
        // Each rank reads half of the other's 235,146 gradients and writes the sum there, in whole cache lines, plus a
        // summary: in 16 steps, and at the end of each of the 2 epochs, which the summary signals.
        assertThat(report.bytesSent())
                .hasSize(2)
                .allSatisfy(bytes -> assertThat(bytes).isBetween(18L * (4 * 235_146 - 200), 18L * (4 * 235_146 + 200)));
        assertThat(report.maxStaleness()).isZero();
        assertThat(report.resumedFromStep()).isZero();
    }

    @Test
    void oneRankWithTheWholeBatchEndsWithTheSameAccuracy() throws Exception {
        TrainReport two = train(2, "mlp", "--epochs", "1", "--batch", "32").get(0);
        TrainReport one = train(1, "mlp", "--epochs", "1", "--batch", "64").get(0);

        assertThat(one.steps()).isEqualTo(two.steps());
        assertThat(one.lossFirst()).isCloseTo(two.lossFirst(), within(1e-5));
        assertThat(one.accuracy()).isCloseTo(two.accuracy(), within(0.01));
        assertThat(one.bytesSent()).containsExactly(0L);
    }

    @Test
    void thereIsNoAccuracyWhereNothingIsHeldOut() throws Exception {
        TrainReport report = train(1, "mlp", "--data", "synthetic", "--image", "8", "--steps", "3")
                .get(0);

        assertThat(report.accuracy()).isNull();
        assertThat(report.steps()).isEqualTo(3);
        assertThat(report.epochs()).isZero();
    }

    @Test
    void aRunThatIsResumedEndsAsOneThatWasNotInterrupted() throws Exception {
        String[] whole = {"mlp", "--epochs", "2", "--batch", "200"};
        TrainReport uninterrupted = train(2, whole).get(0);
        String checkpoints = directory.resolve("checkpoints").toString();

        // 40 steps are two epochs; 27 end in the middle of the second.
        train(2, "mlp", "--steps", "27", "--batch", "200", "--checkpoint", checkpoints);
        TrainReport resumed = train(
                        2, "mlp", "--epochs", "2", "--batch", "200", "--checkpoint", checkpoints, "--resume")
                .get(0);

        assertThat(resumed.resumedFromStep()).isEqualTo(27);
        assertThat(resumed.steps()).isEqualTo(13);
        assertThat(resumed.parametersSha256()).isEqualTo(uninterrupted.parametersSha256());
        assertThat(resumed.accuracy()).isEqualTo(uninterrupted.accuracy());
    }

    @Test
    void aFinishedRunThatIsResumedWithMoreEpochsGoesOn() throws Exception {
        String checkpoints = directory.resolve("checkpoints").toString();
        train(1, "mlp", "--epochs", "1", "--batch", "400", "--checkpoint", checkpoints);
        train(1, "mlp", "--epochs", "2", "--batch", "400", "--checkpoint", checkpoints, "--resume");

        TrainReport third = train(1, "mlp", "--epochs", "3", "--batch", "400", "--checkpoint", checkpoints, "--resume")
                .get(0);
        TrainReport again = train(1, "mlp", "--epochs", "3", "--batch", "400", "--checkpoint", checkpoints, "--resume")
                .get(0);

        assertThat(third.resumedFromStep()).isEqualTo(40);
        assertThat(third.steps()).isEqualTo(20);
        assertThat(third.parametersSha256())
                .isEqualTo(train(1, "mlp", "--epochs", "3", "--batch", "400")
                        .get(0)
                        .parametersSha256());
        assertThat(again.steps()).isZero();
        assertThat(again.lossLast()).isNull();
        assertThat(again.parametersSha256()).isEqualTo(third.parametersSha256());
    }

    private static List<TrainReport> train(int ranks, String... arguments) throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            TrainOptions options = parse(arguments);
            SampleData set = options.workload().openData();
            return new TrainingRun(
                            options, set, session, null, null, Groups.of(ranks, 1), List::of, KeptRun.none(options))
                    .run(options.buildModel(set));
        });
    }

    private static TrainOptions parse(String... arguments) {
        Holder holder = new Holder();
        new CommandLine(holder).parseArgs(arguments);
        holder.options.check();
        return holder.options;
    }

    @CommandLine.Command
    private static final class Holder {
        @Mixin
        private final TrainOptions options = new TrainOptions();
    }
}
