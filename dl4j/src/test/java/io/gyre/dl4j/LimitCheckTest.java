package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;

/** The start-up check of a trainer: what it says, and that it changes nothing else. */
@Timeout(120)
class LimitCheckTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int STEPS = 20;
    private static final String CHECK = "start-up check: ";
    private static final String VERDICT = "limits this run";

    private static INDArray trained(int ranks, Consumer<TrainerBuilder> options) throws InterruptedException {
        return Gyre.local(ranks)
                .call(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
                    TrainerBuilder builder = DistributedTrainer.builder(model, session);
                    options.accept(builder);
                    try (DistributedTrainer trainer = builder.build()) {
                        trainer.fitSteps(ShardedData.of(ExampleSource.of(TestData.vectors(48, TYPE, 1)), 4, 1), STEPS);
                        return model.params().dup();
                    }
                })
                .get(0);
    }

    private static List<String> with(List<String> lines, String text) {
        return lines.stream().filter(line -> line.contains(text)).toList();
    }

    @Test
    void itIsTwoLinesAndChangesNoBit() throws Exception {
        INDArray without = trained(2, builder -> builder.startupCheck(false));
        List<String> log = new CopyOnWriteArrayList<>();
        INDArray with = trained(2, builder -> builder.startupCheck(true).startupLog(log::add));

        assertThat(with(log, CHECK)).singleElement().asString().contains("2 ranks on ");
        assertThat(with(log, VERDICT)).hasSize(1);
        assertThat(with).isEqualTo(without);
    }

    @Test
    void itIsOffForRanksThatAreThreadsAndForOneRank() throws Exception {
        List<String> log = new CopyOnWriteArrayList<>();
        trained(2, builder -> builder.startupLog(log::add));
        trained(1, builder -> builder.startupCheck(true).startupLog(log::add));

        assertThat(log).isEmpty();
    }

    @Test
    void workersOfServersCheckTheirHostsAndRankZeroJudgesAlone() throws Exception {
        List<String> log = new CopyOnWriteArrayList<>();
        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
            try (ParameterService service = ParameterService.builder(session)
                            .training(Strategies.training(model, new BulkSynchronous()))
                            .start();
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(Strategies.parameterServer(model, service))
                            .startupCheck(true)
                            .startupLog(log::add)
                            .build()) {
                trainer.fitSteps(ShardedData.of(ExampleSource.of(TestData.vectors(48, TYPE, 1)), 4, 1), STEPS);
            }
        });

        assertThat(with(log, VERDICT)).hasSize(1);
        assertThat(with(log, CHECK))
                .singleElement()
                .asString()
                .contains("2 ranks on ")
                .doesNotContain("rank 0 to 1");
    }
}
