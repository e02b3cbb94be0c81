package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiConsumer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** What is the same on all ranks is logged once, and a line about one rank names it. */
@Timeout(120)
class LogTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final DataSet EXAMPLES = TestData.vectors(48, TYPE, 1);

    private static List<DataSet> batches() {
        return TestData.batches(EXAMPLES.copy(), 4);
    }

    /** Lines that contain a text, after training on three ranks. */
    private static List<String> lines(String text, BiConsumer<DistributedTrainer, Session> training)
            throws InterruptedException {
        try (LogLines log = new LogLines()) {
            Gyre.local(3).run(session -> {
                MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
                try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                    training.accept(trainer, session);
                }
            });
            return log.with(text);
        }
    }

    private static ExampleSource noisy() {
        return ExampleSource.of(48, indices -> {
            DataSet rows = TestData.vectors(indices.length, TYPE, 1);
            rows.getFeatures().addi(ThreadLocalRandom.current().nextDouble());
            return rows;
        });
    }

    @Test
    void aSourceThatNeverGivesTheSameIsOneLine() throws Exception {
        assertThat(lines("gives other values", (trainer, session) -> trainer.fit(ShardedData.of(noisy(), 4, 1), 2)))
                .singleElement()
                .asString()
                .contains("on rank 0 ", "rank 1 ", "rank 2 ");
    }

    @Test
    void oneRanksSourceThatNeverGivesTheSameIsNamed() throws Exception {
        assertThat(lines("gives other values", (trainer, session) -> {
                    boolean own = session.world().rank() == 1;
                    ExampleSource source = own ? noisy() : ExampleSource.of(EXAMPLES.copy());
                    trainer.fit(ShardedData.of(source, 4, 1), 2);
                }))
                .singleElement()
                .asString()
                .contains("on rank 1 ")
                .doesNotContain("rank 0", "rank 2");
    }

    @Test
    void anEvaluationOfSuchASourceSaysSoToo() throws Exception {
        assertThat(lines("gives other values", (trainer, session) -> trainer.evaluate(ShardedData.of(noisy(), 4, 1))))
                .hasSize(1);
    }

    @Test
    void dataThatBeginAnewAreOneLine() throws Exception {
        assertThat(lines("start from the beginning", (trainer, session) -> {
                    trainer.fitSteps(ShardedData.of(new Batches(batches()), Sharding.EXAMPLES), 2);
                    trainer.fitSteps(ShardedData.of(new Batches(batches()), Sharding.EXAMPLES), 2);
                }))
                .hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXAMPLES", "BATCHES", "OWN"})
    void anIteratorWithFewerBatchesThanBeforeIsOneLineUnlessEachRankHasItsOwn(Sharding sharding) throws Exception {
        List<String> found = lines("batches in epoch 1, and 12 in an earlier one", (trainer, session) -> {
            Batches iterator = new Batches(batches()).losingABatchAtReset();
            trainer.fit(ShardedData.of(iterator, sharding), 2);
        });

        if (sharding == Sharding.OWN) {
            assertThat(found).hasSize(3);
            for (int rank = 0; rank < 3; rank++) {
                String own = "Batches of rank " + rank + " had 11";
                assertThat(found).filteredOn(line -> line.contains(own)).hasSize(1);
            }
        } else {
            assertThat(found).hasSize(1);
        }
    }
}
