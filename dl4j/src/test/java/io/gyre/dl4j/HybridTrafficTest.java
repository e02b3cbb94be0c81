package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.Collectives;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.session.Session;
import io.gyre.training.UpdateStrategy;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.nio.file.Path;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Sgd;

/** Two hosts, by name, with four ranks each, which also hold the parameters: measures the traffic between them. */
@Timeout(120)
@Tag("long")
class HybridTrafficTest {

    private static final int RANKS = 8;
    private static final int STEPS = 10;

    @TempDir
    Path directory;

    private long networkBytes(boolean inGroups, boolean elastic) throws InterruptedException {
        String rendezvous = directory
                .resolve((inGroups ? "groups" : "ranks") + (elastic ? "-e" : "-p"))
                .toString();
        LocalCluster cluster = LocalCluster.over(
                (size, peerTimeout) -> rank -> AeronSession.join(JoinOptions.builder(rank, size, rendezvous)
                        .hostId(rank < RANKS / 2 ? "left" : "right")
                        .peerTimeout(peerTimeout)
                        .build()),
                RANKS);
        return cluster.call(session -> train(session, inGroups, elastic)).stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    private static long train(Session session, boolean inGroups, boolean elastic) {
        MultiLayerNetwork model =
                TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.05), DataType.FLOAT)
                        .list()
                        .layer(TestModels.dense(300))
                        .layer(TestModels.dense(300))
                        .layer(TestModels.softmax())
                        .setInputType(InputType.feedForward(TestModels.FEATURES))
                        .build()));
        ServiceBuilder builder = ParameterService.builder(session);
        if (inGroups) {
            builder.groupsByHost();
        }
        if (!elastic) {
            builder.training(Strategies.training(model, new AsynchronousParallel()));
        }
        try (ParameterService service = builder.start();
                Collective group = Collectives.choose(service.group().endpoint())) {
            UpdateStrategy strategy = inGroups
                    ? elastic
                            ? Strategies.hybridElastic(model, service, group, 1)
                            : Strategies.hybrid(model, service, group)
                    : elastic ? Strategies.elastic(model, service, 1) : Strategies.parameterServer(model, service);
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .strategy(strategy)
                    .build()) {
                assertThat(service.groups().count()).isEqualTo(inGroups ? 2 : RANKS);
                long before = session.networkBytesSent();
                trainer.fitSteps(
                        ShardedData.of(ExampleSource.of(TestData.vectors(STEPS * RANKS * 2, DataType.FLOAT, 1)), 2, 1),
                        STEPS);
                // This rank also sends replies to others: no rank may stop counting before all are done.
                session.exchange("end of the steps", new byte[0]);
                return session.networkBytesSent() - before;
            }
        }
    }

    /** Half of the parameters are on the other host, and are pushed to it and pulled from it. */
    @ParameterizedTest(name = "elastic: {0}")
    @ValueSource(booleans = {true, false})
    void aHostOfFourRanksSendsAQuarterOfWhatTheySendByThemselves(boolean elastic) throws Exception {
        long byRanks = networkBytes(false, elastic);
        long inGroups = networkBytes(true, elastic);

        System.out.printf(
                "%s: %,d bytes over the network by ranks, %,d in groups: 1/%.2f%n",
                elastic ? "elastic" : "parameter server", byRanks, inGroups, (double) byRanks / inGroups);
        assertThat(inGroups).isPositive();
        assertThat((double) byRanks / inGroups).isGreaterThan(3.5);
    }
}
