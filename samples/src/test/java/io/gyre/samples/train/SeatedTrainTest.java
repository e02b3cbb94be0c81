package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Trainings whose ranks survive their processes. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
@Timeout(600)
class SeatedTrainTest {

    private static final String[] RUN = {"mlp", "-n", "3", "--steps", "600", "--no-run-dir"};

    @TempDir
    private Path directory;

    private static String[] with(String... more) {
        String[] all = new String[RUN.length + more.length];
        System.arraycopy(RUN, 0, all, 0, RUN.length);
        System.arraycopy(more, 0, all, RUN.length, more.length);
        return all;
    }

    @Test
    void killsAndFewerProcessesChangeNothing() throws Exception {
        JsonNode whole = GyreTrain.run(directory, RUN);
        JsonNode onTwo = GyreTrain.run(directory, with("--processes", "2"));
        JsonNode onOne = GyreTrain.run(directory, with("--processes", "1"));
        JsonNode killed;
        try (GyreTrain train = GyreTrain.start(directory, with("--restarts", "1"))) {
            train.awaitOutput("step 1 of");
            GyreTrain.kill(train.processPid(1));
            train.awaitOutput("generation 2 continues after step");
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output()).contains("was lost with seat", "is restarted: 1 of 1 time");
            killed = train.report();
        }

        assertThat(onTwo.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(onOne.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(killed.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(killed.get("accuracy")).isEqualTo(whole.get("accuracy"));
    }
}
