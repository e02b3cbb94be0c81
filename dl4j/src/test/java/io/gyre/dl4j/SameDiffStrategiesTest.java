package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/** Graphs of SameDiff with the strategies that keep parameters on servers. */
@Timeout(120)
class SameDiffStrategiesTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int EPOCHS = 2;

    private static SameDiff graph() {
        SameDiff graph = SameDiffGraphs.perceptron(TYPE);
        graph.setTrainingConfig(SameDiffGraphs.config(new Adam(0.01))
                .l1(1e-3)
                .weightDecay(0.02, true)
                .build());
        return graph;
    }

    private static ShardedData data() {
        // In batches of 3 per rank: the last step of an epoch has fewer, unevenly divided.
        return ShardedData.of(ExampleSource.of(TestData.vectors(42, TYPE, 1)), 3, 7);
    }

    private static INDArray inStep(int ranks) throws InterruptedException {
        return Gyre.local(ranks)
                .call(session -> {
                    SameDiff graph = graph();
                    try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                        trainer.fit(data(), EPOCHS);
                    }
                    return SameDiffGraphs.parameters(graph);
                })
                .get(0);
    }

    private static double difference(INDArray a, INDArray b) {
        return Nd4j.math().abs(a.sub(b)).maxNumber().doubleValue();
    }

    @Test
    void inBulkSynchronyServersDoWhatAllReduceDoes() throws Exception {
        List<INDArray> onServers = Gyre.local(3).call(session -> {
            SameDiff graph = graph();
            try (ParameterService service = ParameterService.builder(session)
                            .training(Strategies.training(graph, new BulkSynchronous()))
                            .start();
                    DistributedTrainer trainer = DistributedTrainer.builder(graph, session)
                            .strategy(Strategies.parameterServer(graph, service))
                            .build()) {
                trainer.fit(data(), EPOCHS);
            }
            return SameDiffGraphs.parameters(graph);
        });

        assertThat(onServers).allSatisfy(each -> Bound.assertIdentical(each, onServers.get(0)));
        assertThat(difference(onServers.get(0), inStep(3))).isLessThan(1e-9);
        assertThat(difference(onServers.get(0), SameDiffGraphs.parameters(graph())))
                .as("something was learned")
                .isGreaterThan(1e-3);
    }

    /** Without a bound the parameters are prefetched, and lack the rank's own last push: a bound of 0 forbids that. */
    @Test
    void oneWorkerOfAServerIsPlainTraining() throws Exception {
        INDArray onServer = Gyre.local(1)
                .call(session -> {
                    SameDiff graph = graph();
                    try (ParameterService service = ParameterService.builder(session)
                                    .training(Strategies.training(graph, new StaleSynchronous(0)))
                                    .start();
                            DistributedTrainer trainer = DistributedTrainer.builder(graph, session)
                                    .strategy(Strategies.parameterServer(graph, service))
                                    .build()) {
                        trainer.fit(data(), EPOCHS);
                    }
                    return SameDiffGraphs.parameters(graph);
                })
                .get(0);

        assertThat(difference(onServer, inStep(1))).isLessThan(1e-9);
    }

    @Test
    void groupsInBulkSynchronyDoWhatAllReduceDoes() throws Exception {
        List<INDArray> inGroups = Gyre.local(4).call(session -> {
            SameDiff graph = graph();
            try (ParameterService service = ParameterService.builder(session)
                            .groups(2)
                            .training(Strategies.training(graph, new BulkSynchronous()))
                            .start();
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(graph, service.workers())
                            .strategy(Strategies.hybrid(graph, service, group))
                            .overlap(Overlap.ON)
                            .bucketBytes(400)
                            .build()) {
                trainer.fit(data(), EPOCHS);
            }
            return SameDiffGraphs.parameters(graph);
        });

        assertThat(inGroups).allSatisfy(each -> Bound.assertIdentical(each, inGroups.get(0)));
        assertThat(difference(inGroups.get(0), inStep(4))).isLessThan(1e-9);
    }

    /** Pulled all the way to their mean after every step, both ranks have it, as with an average of parameters. */
    @Test
    void elasticAveragingPullsTheVariables() throws Exception {
        List<INDArray> pulled = Gyre.local(2).call(session -> {
            SameDiff graph = graph();
            try (ParameterService service = ParameterService.builder(session).start()) {
                UpdateStrategy strategy = Strategies.elastic(graph, service, 1);
                try (DistributedTrainer trainer = DistributedTrainer.builder(graph, session)
                        .strategy(strategy)
                        .build()) {
                    FitReport report = trainer.fit(data(), 4);
                    assertThat(report.lastLoss()).isLessThan(report.firstLoss());
                    assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                }
            }
            return SameDiffGraphs.parameters(graph);
        });

        Bound.assertIdentical(pulled.get(1), pulled.get(0));
        assertThat(difference(pulled.get(0), SameDiffGraphs.parameters(graph())))
                .isGreaterThan(1e-3);
    }

    @Test
    void serversRefuseALossThatIsASum() {
        SameDiff sums = SameDiffGraphs.twoHeads(new Adam(0.01), TYPE, LossReduce.SUM);

        assertThatThrownBy(() -> Strategies.training(sums, new BulkSynchronous()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[classification, regression]")
                .hasMessageContaining("Use a mean");
    }

    @Test
    void serversRefuseToMaximise() {
        SameDiff maximising = SameDiffGraphs.perceptron(TYPE);
        maximising.setTrainingConfig(
                SameDiffGraphs.config(new Adam(0.01)).minimize(false).build());

        assertThatThrownBy(() -> Strategies.training(maximising, new BulkSynchronous()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Negate the loss");
    }
}
