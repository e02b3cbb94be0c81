package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/** Nobody else trains a model between the calls of its trainer. */
class HeldModelTest {

    private static MultiLayerNetwork pretrainable() {
        return with(new AutoEncoder.Builder().nOut(8).build());
    }

    private static MultiLayerNetwork with(org.deeplearning4j.nn.conf.layers.Layer layer) {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Adam(0.01), DataType.DOUBLE)
                .list()
                .layer(layer)
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES))
                .build()));
    }

    private static List<DataSet> batches() {
        return TestData.batches(TestData.vectors(12, DataType.DOUBLE, 1), 6);
    }

    private static ShardedData data() {
        return ShardedData.of(TestData.iterator(batches()), Sharding.EXAMPLES);
    }

    /** Training by others. */
    private interface Training {
        void of(Model model);
    }

    private static void pretrain(Model model) {
        if (model instanceof ComputationGraph graph) {
            graph.pretrainLayer("0", TestData.iterator(batches()));
        } else {
            ((MultiLayerNetwork) model).pretrain(TestData.iterator(batches()));
        }
    }

    static Stream<Named<Training>> fits() {
        return Stream.of(
                Named.of(
                        "a batch", model -> TestModels.plainFit(model, batches().get(0))),
                Named.of("an iterator", model -> {
                    if (model instanceof ComputationGraph graph) {
                        graph.fit(TestData.iterator(batches()));
                    } else {
                        ((MultiLayerNetwork) model).fit(TestData.iterator(batches()));
                    }
                }));
    }

    static Stream<Named<MultiLayerNetwork>> pretrainables() {
        return Stream.of(
                Named.of("autoencoder", pretrainable()),
                Named.of(
                        "variational autoencoder",
                        with(new VariationalAutoencoder.Builder()
                                .nOut(6)
                                .encoderLayerSizes(6)
                                .decoderLayerSizes(6)
                                .build())));
    }

    @ParameterizedTest
    @MethodSource("fits")
    void fitOfTheModelIsRefusedWhenItIsCalled(Training fit) throws Exception {
        refuses(pretrainable(), fit, "fit of the model itself", "Call fit of the trainer");
        refuses(pretrainable().toComputationGraph(), fit, "fit of the model itself", "Call fit of the trainer");
    }

    @ParameterizedTest
    @MethodSource("pretrainables")
    void pretrainingIsRefusedWhenItIsCalled(MultiLayerNetwork model) throws Exception {
        ComputationGraph graph = model.toComputationGraph();

        refuses(model, HeldModelTest::pretrain, "pretrain is not distributed", "before the trainer is made");
        refuses(graph, HeldModelTest::pretrain, "pretrain is not distributed", "before the trainer is made");
    }

    @ParameterizedTest
    @MethodSource("pretrainables")
    void aModelThatWasPretrainedBeforeIsTrainedAndRefusesMore(MultiLayerNetwork model) throws Exception {
        pretrain(model);

        refuses(model, HeldModelTest::pretrain, "pretrain is not distributed", "before the trainer is made");
    }

    /** Training by others is refused, and changes nothing; afterwards it is allowed. */
    private static void refuses(Model model, Training training, String... words) throws InterruptedException {
        Model untouched = copy(model);
        CollectScoresListener own = new CollectScoresListener(1);
        model.setListeners(own);
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                assertThatThrownBy(() -> training.of(model))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("the model is held by the trainer of rank 0")
                        .hasMessageContainingAll(words);
                trainer.fit(data(), 1);
                assertThatThrownBy(() -> training.of(model)).isInstanceOf(IllegalStateException.class);
                trainer.fit(data(), 1);
            }
            try (DistributedTrainer trainer = DistributedTrainer.of(untouched, session)) {
                trainer.fit(data(), 1);
                trainer.fit(data(), 1);
            }
        });

        Bound.assertIdentical(model.params(), untouched.params());
        assertThat(listeners(model)).containsExactly(own);
        assertThat(layers(model))
                .allSatisfy(layer -> assertThat(layer.getListeners()).doesNotHaveAnyElementsOfTypes(HeldModel.class));
        training.of(model);
        assertThat(model.params()).isNotEqualTo(untouched.params());
    }

    private static Model copy(Model model) {
        return model instanceof ComputationGraph graph ? graph.clone() : ((MultiLayerNetwork) model).clone();
    }

    private static List<TrainingListener> listeners(Model model) {
        return Network.of(model).listeners();
    }

    private static List<Layer> layers(Model model) {
        return List.of(Network.of(model).layers());
    }

    @Test
    void anEarlyStoppingTrainerIsRefusedAtItsFirstEpoch() throws Exception {
        MultiLayerNetwork model = pretrainable();
        EarlyStoppingConfiguration<MultiLayerNetwork> once = new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(1))
                .scoreCalculator(new DataSetLossCalculator(TestData.iterator(batches()), true))
                .build();
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                assertThatThrownBy(() -> new EarlyStoppingTrainer(once, model, TestData.iterator(batches())).fit())
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("use DistributedEarlyStopping");
                assertThat(trainer.step()).isZero();
            }
        });
    }

    @Test
    void copiesOfTheModelMayBeTrainedAndListenersMayBeSetBetweenCalls() throws Exception {
        ComputationGraph model = pretrainable().toComputationGraph();
        List<CollectScoresListener> set = new ArrayList<>();
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                ComputationGraph copy = model.clone();
                copy.fit(batches().get(0));
                assertThat(copy.params()).isNotEqualTo(model.params());

                set.add(new CollectScoresListener(1));
                model.setListeners(set.get(0));
                trainer.fit(data(), 1);
                assertThatThrownBy(() -> pretrain(model)).isInstanceOf(IllegalStateException.class);
                set.add(new CollectScoresListener(1));
                model.setListeners(set.get(1));
                trainer.fit(data(), 1);
                set.add(new CollectScoresListener(1));
                model.addListeners(set.get(2));
            }
        });

        assertThat(set.get(0).getListScore().size()).isEqualTo(2);
        assertThat(listeners(model)).containsExactly(set.get(1), set.get(2));
        assertThat(layers(model))
                .allSatisfy(layer -> assertThat(layer.getListeners()).doesNotHaveAnyElementsOfTypes(HeldModel.class));
        pretrain(model);
    }
}
