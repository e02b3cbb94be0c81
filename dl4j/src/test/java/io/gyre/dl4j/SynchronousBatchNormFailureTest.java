package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.ParameterService;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/** Failures in the exchanges of batch normalisation, and what is rejected. */
@Timeout(120)
class SynchronousBatchNormFailureTest {

    private static ShardedData data() {
        return ShardedData.of(
                TestData.iterator(NormalisedModels.PERCEPTRON.batches(DataType.DOUBLE)), Sharding.EXAMPLES);
    }

    /** Runs two steps; in the second, rank 1 does something between the halves of its pass. */
    private static void train(LocalCluster cluster, Overlap overlap, Runnable inPass, Consumer<GyreException> failed)
            throws InterruptedException {
        cluster.run(session -> {
            MultiLayerNetwork model = NormalisedModels.perceptron();
            if (session.world().rank() == 1) {
                model.addListeners(new InSecondPass(inPass));
            }
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .synchronousBatchNorm(true)
                    .overlap(overlap)
                    .build()) {
                trainer.fitSteps(data(), 2);
            } catch (GyreException e) {
                failed.accept(e);
                throw e;
            }
        });
    }

    private static final class InSecondPass extends BaseTrainingListener {
        private final Runnable action;
        private int passes;

        InSecondPass(Runnable action) {
            this.action = action;
        }

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            passes++;
            if (passes == 2) {
                action.run();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"ON", "OFF"})
    void aLostRankIsNamedWithStepAndLayer(Overlap overlap) {
        ConcurrentLinkedQueue<GyreException> ofOthers = new ConcurrentLinkedQueue<>();

        assertThatThrownBy(() -> train(
                        Gyre.local(3),
                        overlap,
                        () -> {
                            throw new IllegalStateException("the listener has had enough");
                        },
                        ofOthers::add))
                .hasStackTraceContaining("the listener has had enough");

        assertThat(ofOthers)
                .hasSize(2)
                .allSatisfy(lost -> assertThat(lost)
                        .isInstanceOf(PeerLostException.class)
                        .hasMessageContaining("rank 1")
                        .hasMessageContaining("of the statistics of layer '3' in the backward pass, step 1"));
    }

    @Test
    void aSilentRankIsNamedWithStepAndLayer() {
        CountDownLatch noticed = new CountDownLatch(1);
        ConcurrentLinkedQueue<GyreException> ofOthers = new ConcurrentLinkedQueue<>();

        assertThatThrownBy(() -> train(
                        Gyre.local(2).withPeerTimeout(Duration.ofMillis(500)),
                        Overlap.OFF,
                        () -> awaitUninterruptibly(noticed),
                        failure -> {
                            ofOthers.add(failure);
                            noticed.countDown();
                        }))
                .isInstanceOf(GyreException.class);

        assertThat(ofOthers.peek())
                .isInstanceOf(PeerTimeoutException.class)
                .hasMessageContaining("rank 0 gave up")
                .hasMessageContaining("of the statistics of layer '3' in the backward pass, step 1")
                .hasMessageContaining("rank 1");
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Its bad values are in the statistics of all ranks. */
    @Test
    void theRankWhoseValuesAreNotFiniteIsNamedAlone() {
        DataSet batch = NormalisedModels.PERCEPTRON.examples(6, DataType.DOUBLE);
        batch.getFeatures().putScalar(5, 2, Double.NaN);

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    MultiLayerNetwork model = NormalisedModels.perceptron();
                    try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .synchronousBatchNorm(true)
                            .build()) {
                        trainer.fit(ShardedData.of(TestData.iterator(List.of(batch)), Sharding.EXAMPLES), 1);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("the first are NaN at")
                .hasMessageMatching("(?s).*the first are NaN at [^,]* on rank 1 .*");
    }

    @Test
    void microBatchesAreRejected() {
        assertThatThrownBy(() -> build(session -> DistributedTrainer.builder(NormalisedModels.perceptron(), session)
                        .synchronousBatchNorm(true)
                        .microBatches(2)
                        .build()
                        .close()))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasStackTraceContaining("synchronousBatchNorm with microBatches(2)");
    }

    @Test
    void ranksThatTakeTheirStepsAloneAreRejected() {
        assertThatThrownBy(() -> build(session -> {
                    MultiLayerNetwork model = NormalisedModels.perceptron();
                    try (ParameterService service = ParameterService.builder(session)
                            .training(Strategies.training(model, new AsynchronousParallel()))
                            .start()) {
                        DistributedTrainer.builder(model, service.workers())
                                .strategy(Strategies.parameterServer(model, service))
                                .synchronousBatchNorm(true)
                                .build()
                                .close();
                    }
                }))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasStackTraceContaining(
                        "synchronousBatchNorm with the strategy paramserver: this rank takes its steps");
    }

    @Test
    void ranksThatDisagreeAreNamed() {
        assertThatThrownBy(() -> build(session -> DistributedTrainer.builder(NormalisedModels.perceptron(), session)
                        .synchronousBatchNorm(session.world().isRoot())
                        .build()
                        .close()))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("ranks disagree on the batch normalisation: 'synchronous' is 'true' on rank 0");
    }

    private static void build(Consumer<Session> program) throws InterruptedException {
        Gyre.local(2).run(program::accept);
    }
}
