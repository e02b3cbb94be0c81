package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.dl4j.ModelReader;
import io.gyre.local.Gyre;
import io.gyre.runs.ForkPoint;
import io.gyre.runs.MetricsFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunParent;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.runs.Runs;
import io.gyre.samples.data.SampleData;
import io.gyre.session.Groups;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;

/** What trainings leave, and how they are continued. Eight steps are an epoch. */
class KeptRunTest {

    @TempDir
    private Path parent;

    @TempDir
    private Path data;

    private RunFiles files;

    @BeforeEach
    void nameAndData() throws IOException {
        files = new RunFiles(parent.resolve("a"));
        IdxWriter.write(data, "train", 64);
        IdxWriter.write(data, "t10k", 16);
    }

    @Test
    void aRunLeavesAllThatItIsKnownBy() throws Exception {
        TrainReport report =
                train(files, "--epochs", "2", "--evaluate-epochs", "--tensorboard", "--keep-timeline", "--seed", "3");

        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.setup())
                .containsEntry("model", "mlp")
                .containsEntry("seed", 3)
                .containsEntry("ranks", 2)
                .containsEntry("learning_rate", 0.001);
        assertThat(record.setup().get("data_fingerprint").toString()).matches("[0-9a-f]{32}");
        assertThat(record.hosts()).hasSize(2);
        assertThat(record.result()).containsEntry("accuracy", report.accuracy()).containsEntry("step", 16);
        assertThat(MetricsFile.lines(files.metrics()).stream()
                        .filter(line -> line.values().containsKey("accuracy"))
                        .map(MetricsFile.Line::step))
                .containsExactly(8L, 16L);
        assertThat(RunFiles.checkpointSteps(files.checkpoints())).containsExactly(8L, 16L);
        assertThat(ModelReader.create().multiLayerNetwork(files.model(), true).getIterationCount())
                .isEqualTo(16);
        assertThat(files.card()).content().contains("| Accuracy, held out | %.4f |".formatted(report.accuracy()));
        assertThat(files.tensorboard()).isNotEmptyDirectory();
        assertThat(files.timeline()).content().contains("\"name\":\"backward\"", "\"pid\":1");
        assertThat(files.log()).exists();
    }

    @Test
    void aRunThatIsResumedEndsWithTheBitsOfOneThatWasLeftAlone() throws Exception {
        train(files, "--steps", "11");
        TrainReport resumed = train(files, "--epochs", "2", "--resume");

        TrainReport whole = train(new RunFiles(parent.resolve("b")), "--epochs", "2");

        assertThat(resumed.resumedFromStep()).isEqualTo(11);
        assertThat(resumed.parametersSha256()).isEqualTo(whole.parametersSha256());
        assertThat(RunRecord.read(files).attempts()).hasSize(2);
        assertThat(Runs.see(files).metric("step")).hasValue(16);
    }

    @Test
    void aForkBeginsWithACheckpointOfItsParentAndTrainsWithOtherOptions() throws Exception {
        TrainReport whole = train(files, "--epochs", "2", "--checkpoint-steps", "3", "--keep-checkpoints", "9");
        RunFiles same = new RunFiles(parent.resolve("same"));
        RunFiles other = new RunFiles(parent.resolve("other"));
        String from = ForkPoint.of(files, 6).toString();

        TrainReport unchanged = train(same, "--epochs", "2", "--from", from);
        TrainReport changed = train(other, "--epochs", "2", "--from", from, "--learning-rate", "0.01");

        assertThat(unchanged.resumedFromStep()).isEqualTo(6);
        assertThat(unchanged.parametersSha256()).isEqualTo(whole.parametersSha256());
        assertThat(changed.steps()).isEqualTo(10);
        assertThat(changed.parametersSha256()).isNotEqualTo(whole.parametersSha256());
        assertThat(RunRecord.read(other).parent())
                .isEqualTo(new RunParent(files.directory().toString(), 6));
        assertThat(other.card()).content().contains("Forked from `" + files.directory() + "` at step 6.");
    }

    @Test
    void whereTheRunCannotBeKeptItIsTrained() throws Exception {
        Path file = Files.createFile(parent.resolve("file"));

        TrainReport report = train(new RunFiles(file.resolve("a")), "--steps", "3");

        assertThat(report.steps()).isEqualTo(3);
        assertThat(parent.toFile().list()).containsExactly("file");
    }

    @Test
    void aForkWithoutAPlaceForItsCheckpointFails() throws Exception {
        train(files, "--steps", "3");
        Path file = Files.createFile(parent.resolve("file"));

        assertThatThrownBy(() -> train(
                        new RunFiles(file.resolve("b")),
                        "--steps",
                        "5",
                        "--from",
                        files.directory().toString()))
                .hasMessageContaining("the run cannot begin with " + files.directory() + "@3: ");
    }

    @Test
    void theDataAreToldApart() {
        assertThat(fingerprint("mlp", "--seed", "1"))
                .isEqualTo(fingerprint("lenet", "--seed", "1"))
                .isNotEqualTo(fingerprint("mlp", "--seed", "2"));
    }

    private static String fingerprint(String... arguments) {
        return DataFingerprint.of(parse(List.of(arguments)).workload().openData());
    }

    private TrainReport train(RunFiles files, String... more) throws InterruptedException {
        List<String> arguments = new ArrayList<>(List.of("mlp", "--batch", "4", "--data", data.toString()));
        arguments.addAll(List.of(more));
        arguments.addAll(List.of("--run-dir", files.directory().toString()));
        List<TrainReport> reports = Gyre.local(2).call(session -> {
            TrainOptions options = parse(arguments);
            SampleData set = options.workload().openData();
            List<String> words = List.of("train", "mlp");
            try (KeptRun kept = KeptRun.open(options, words, set, session)) {
                return new TrainingRun(options, set, session, null, null, Groups.of(2, 1), List::of, kept)
                        .run(options.buildModel(set));
            }
        });
        return reports.get(0);
    }

    private static TrainOptions parse(List<String> arguments) {
        Holder holder = new Holder();
        new CommandLine(holder).parseArgs(arguments.toArray(String[]::new));
        holder.options.check();
        return holder.options;
    }

    @CommandLine.Command
    private static final class Holder {
        @Mixin
        private final TrainOptions options = new TrainOptions();
    }
}
