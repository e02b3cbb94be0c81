package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.runs.MetricsFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.runs.Runs;
import io.gyre.samples.TwoInputsProgram;
import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Programs of one's own whose ranks survive their processes, and whose launcher keeps the run. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
@Timeout(600)
class KeptProgramTest {

    @TempDir
    private Path directory;

    private Process run(RunFiles files, Path output, String... options) throws IOException {
        List<String> command = new ArrayList<>(GyreTrain.gyre());
        command.addAll(List.of("run", "-n", "2"));
        command.addAll(List.of(options));
        command.addAll(
                List.of(TwoInputsProgram.class.getName(), files.directory().toString()));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeAll(List.of("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"));
        return builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    }

    @Test
    void theRunOfAProgramGoesOnWhenRankZeroIsKilled() throws Exception {
        RunFiles files = new RunFiles(directory.resolve("mine"));
        Path output = directory.resolve("output.txt");
        Process launcher = run(
                files,
                output,
                "--min-processes",
                "1",
                "--restarts",
                "1",
                "--run-dir",
                files.directory().toString());
        try {
            Eventually.that("steps have a line", GyreTrain.PATIENCE, () -> hasSteps(files));
            GyreTrain.kill(SeatedTrainTest.pidOfRankZero(files));
            Eventually.that(
                    "others go on",
                    GyreTrain.PATIENCE,
                    () -> read(output).contains("generation 2 continues after step"));
            assertThat(Runs.see(files).state()).isEqualTo(RunState.RUNNING);
            assertThat(launcher.waitFor(GyreTrain.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as(read(output))
                    .isTrue();
            assertThat(launcher.exitValue()).as(read(output)).isZero();
        } finally {
            launcher.destroyForcibly();
        }

        RunRecord record = RunRecord.read(files);
        assertThat(record.state()).isEqualTo(RunState.COMPLETE);
        assertThat(record.setup()).containsEntry("model", "graph with two inputs");
        assertThat(record.hosts()).hasSize(2).doesNotContain("-");
        assertThat((Double) record.result().get("accuracy")).isGreaterThan(0.8);
        assertThat(record.result()).containsEntry("epoch", 10);
        long steps = ((Number) record.result().get("step")).longValue();
        assertThat(record.lastAttempt().steps()).isEqualTo(steps);
        assertThat(MetricsFile.lines(files.metrics()))
                .extracting(MetricsFile.Line::step)
                .isSorted()
                .doesNotHaveDuplicates()
                .endsWith(steps);
        assertThat(files.model()).isNotEmptyFile();
        assertThat(files.card()).exists();
        assertThat(files.log()).content().contains("was lost with seat", "generation 2 continues");
        assertThat(files.membership()).content().contains("\"event\":\"lost\"");
    }

    @Test
    void withoutSeatsTheLauncherKeepsNothing() throws Exception {
        RunFiles files = new RunFiles(directory.resolve("mine"));
        Path output = directory.resolve("output.txt");

        Process launcher = run(files, output, "--run-dir", files.directory().toString());

        assertThat(launcher.waitFor()).isEqualTo(2);
        assertThat(read(output)).contains("goes with --processes, --spares or --min-processes");
        assertThat(files.directory()).doesNotExist();
    }

    private static boolean hasSteps(RunFiles files) {
        try {
            return Files.exists(files.metrics())
                    && !MetricsFile.lines(files.metrics()).isEmpty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
