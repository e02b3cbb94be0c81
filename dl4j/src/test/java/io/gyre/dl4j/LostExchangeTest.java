package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Sgd;

/** Strategies that are made for each generation. */
@Timeout(240)
class LostExchangeTest {

    /** Both that are left have taken as many steps, and have other parameters. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"shm", "udp"})
    @EnabledOnOs(OS.LINUX)
    @Tag("processes")
    void afterALossAllGetTheSameStateThoughAllHaveTakenAsManySteps(String transport, @TempDir Path directory)
            throws Exception {
        try (SeatProcesses run = new SeatProcesses(directory, ExchangingProgram.class, 3, 3)) {
            for (int process = 0; process < 3; process++) {
                run.start(transport, Map.of());
            }
            run.awaitResults(2, "result step 12 equal 1");
            assertThat(run.events()).anyMatch(event -> event.equals("generation 2 of 2, step 5"));
            for (int process = 0; process < 3; process++) {
                String output = run.process(process).output();
                if (!output.contains("halts at")) {
                    assertThat(output)
                            .containsSubsequence(
                                    "generation begins, state false, calls 0",
                                    "generation ends",
                                    "generation begins, state true, calls 0",
                                    "result",
                                    "generation ends");
                }
            }
        }
    }

    @Test
    void aRunWhoseProcessesDoNotChangeHasNoGenerations() {
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> DistributedTrainer.builder(
                                        TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT)),
                                        session)
                                .strategy(new UnevenExchange(1))
                                .build()
                                .close()))
                .hasMessageContaining("a GenerationStrategy is for runs whose processes may change");
    }

    @Test
    void checkpointsOfGenerationsAreRefused(@TempDir Path directory) {
        assertThatThrownBy(() -> Gyre.local(2)
                        .processes(1)
                        .run(session -> DistributedTrainer.builder(
                                        TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT)),
                                        session)
                                .strategy(new UnevenExchange(1))
                                .checkpointDirectory(directory)
                                .build()
                                .close()))
                .hasMessageContaining("checkpoints with a strategy that is made for each generation");
    }
}
