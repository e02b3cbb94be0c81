package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

/** One batch is several steps, and training stops, saves and continues between batches only; with every strategy. */
@Timeout(120)
class SegmentBordersTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int RANKS = 2;
    private static final int EPOCHS = 2;
    private static final int TIME = 8;
    private static final int SEGMENTS = 3;
    private static final int BATCHES = 4;

    @TempDir
    Path directory;

    private static final class Killed extends RuntimeException {}

    private static MultiLayerNetwork model() {
        return Sequences.lstm(new Adam(0.01), TYPE);
    }

    private static ShardedData data() {
        Sequences.Subject subject = new Sequences.Subject(SegmentBordersTest::model, Sequences.maker(TYPE, true));
        return ShardedData.of(new BatchList(subject.batches(TIME, 6, 6, 5, 1)), Sharding.EXAMPLES);
    }

    /** Killed at the beginning of a batch, in its middle and at its end. */
    @ParameterizedTest
    @ValueSource(ints = {4, 8, 17})
    void aResumedRunHasTheSameBits(int killAt) throws Exception {
        Model whole = Gyre.local(RANKS)
                .call(session -> program(session, false, Integer.MAX_VALUE, null))
                .get(0);

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> program(session, false, killAt, directory)))
                .hasRootCauseInstanceOf(Killed.class);
        long saved = DistributedTrainer.newestCheckpoint(directory).orElseThrow();
        List<Model> models = Gyre.local(RANKS).call(session -> program(session, true, Integer.MAX_VALUE, directory));

        assertThat(saved).isEqualTo((killAt - 1L) / SEGMENTS * SEGMENTS);
        assertThat(models).allSatisfy(model -> {
            Bound.assertIdentical(model.params(), whole.params());
            assertThat(Network.of(model).step()).isEqualTo(EPOCHS * BATCHES * SEGMENTS);
            assertThat(Network.of(model).epoch()).isEqualTo(EPOCHS);
        });
    }

    /** Saves when another two steps are done, as soon as a batch ends. The last rank fails after a step. */
    private static Model program(Session session, boolean resume, int killAt, Path checkpoints) {
        MultiLayerNetwork model = model();
        TrainerBuilder builder = DistributedTrainer.builder(model, session)
                .progressListener((step, epoch, total) -> {
                    if (step == killAt && session.world().rank() == RANKS - 1) {
                        throw new Killed();
                    }
                })
                .resume(resume);
        if (checkpoints != null) {
            builder.checkpointDirectory(checkpoints).checkpointEverySteps(2);
        }
        try (DistributedTrainer trainer = builder.build()) {
            trainer.fit(data(), EPOCHS);
        }
        return model;
    }

    @Test
    void aNumberOfStepsIsReachedWithTheBatch() throws Exception {
        Gyre.local(RANKS).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model(), session)) {
                ShardedData data = data();
                assertThat(trainer.fitSteps(data, 1).steps()).isEqualTo(SEGMENTS);
                assertThat(trainer.fitSteps(data, 4).steps()).isEqualTo(2 * SEGMENTS);
                assertThat(trainer.fitSteps(data, 3).steps()).isEqualTo(SEGMENTS);
                assertThat(trainer.step()).isEqualTo((long) BATCHES * SEGMENTS);
            }
        });
    }

    /** A request in any segment of the second batch: the request of one rank stops both. */
    @ParameterizedTest
    @ValueSource(ints = {4, 5})
    void aRequestedStopIsBetweenBatches(int requestAfter) throws Exception {
        Gyre.local(RANKS).run(session -> {
            DistributedTrainer[] own = new DistributedTrainer[1];
            try (DistributedTrainer trainer = DistributedTrainer.builder(model(), session)
                    .progressListener((step, epoch, total) -> {
                        if (step == requestAfter && session.world().rank() == 1) {
                            own[0].requestStop();
                        }
                    })
                    .build()) {
                own[0] = trainer;
                ShardedData data = data();
                FitReport report = trainer.fit(data, EPOCHS);
                assertThat(report.stopped()).isTrue();
                assertThat(trainer.step()).isEqualTo(2 * SEGMENTS);
                assertThat(trainer.fit(data, 1).steps()).isEqualTo(2 * SEGMENTS);
            }
        });
    }

    @Test
    void theRankWhoseGradientsAreNotFiniteInALaterSegmentIsNamed() {
        MultiDataSet batch = Sequences.maker(TYPE, false).of(6, TIME, 1);
        batch.getFeatures(0).putScalar(new int[] {5, 0, SEGMENTS + 1}, Double.NaN);

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(model(), session)) {
                        trainer.fit(ShardedData.of(new BatchList(List.of(batch)), Sharding.EXAMPLES), 1);
                    }
                }))
                .rootCause()
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("step 1")
                .hasMessageContaining("NaN at element 0 of parameter 0_W")
                .hasMessageContaining("on rank 1");
    }

    @Test
    void inBulkSynchronyServersDoWhatAllReduceDoes() throws Exception {
        List<INDArray> onServers = Gyre.local(RANKS).call(session -> {
            MultiLayerNetwork model = Sequences.lstm(new Sgd(0.1), TYPE);
            try (ParameterService service = ParameterService.builder(session)
                            .training(Strategies.training(model, new BulkSynchronous()))
                            .start();
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(Strategies.parameterServer(model, service))
                            .build()) {
                trainer.fit(withoutEmptyRanks(), EPOCHS);
                assertThat(trainer.step()).isEqualTo(EPOCHS * 2L * SEGMENTS);
            }
            return model.params();
        });
        List<INDArray> inStep = Gyre.local(RANKS).call(session -> {
            MultiLayerNetwork model = Sequences.lstm(new Sgd(0.1), TYPE);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(withoutEmptyRanks(), EPOCHS);
            }
            return model.params();
        });

        assertThat(Nd4j.math()
                        .abs(onServers.get(0).sub(inStep.get(0)))
                        .maxNumber()
                        .doubleValue())
                .isLessThan(1e-10);
    }

    private static ShardedData withoutEmptyRanks() {
        Sequences.Subject subject = new Sequences.Subject(SegmentBordersTest::model, Sequences.maker(TYPE, false));
        return ShardedData.of(new BatchList(subject.batches(TIME, 6, 5)), Sharding.EXAMPLES);
    }

    enum Loose {
        STALE,
        ELASTIC,
        HYBRID
    }

    /** Each rank, or group, takes as many steps as its own sequences have segments. */
    @ParameterizedTest
    @EnumSource(Loose.class)
    void ranksThatAreNotInLockstepTakeTheirOwnSegments(Loose kind) throws Exception {
        int[] times = {8, 2, 5};
        long[] expected = kind == Loose.HYBRID ? new long[] {6, 6, 4} : new long[] {6, 2, 4};
        Gyre.local(times.length).run(session -> {
            int rank = session.world().rank();
            MultiLayerNetwork model = Sequences.lstm(new Sgd(0.05), TYPE);
            ServiceBuilder builder = ParameterService.builder(session);
            if (kind == Loose.STALE) {
                builder.training(Strategies.training(model, new StaleSynchronous(3)));
            } else if (kind == Loose.HYBRID) {
                builder.groups(2).training(Strategies.training(model, new StaleSynchronous(3)));
            }
            try (ParameterService service = builder.start();
                    Collective group = kind == Loose.HYBRID
                            ? Collectives.choose(service.group().endpoint())
                            : null;
                    DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                            .strategy(
                                    switch (kind) {
                                        case STALE -> Strategies.parameterServer(model, service);
                                        case ELASTIC -> Strategies.elastic(model, service, 2);
                                        case HYBRID -> Strategies.hybrid(model, service, group);
                                    })
                            .build()) {
                List<MultiDataSet> own = new Sequences.Subject(SegmentBordersTest::model, Sequences.maker(TYPE, false))
                        .batches(times[rank], 4, 3);
                FitReport report = trainer.fit(ShardedData.of(new BatchList(own), Sharding.OWN), 1);
                assertThat(report.steps()).isEqualTo(expected[rank]);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
            }
        });
    }

    static Stream<MultiDataSet> uncuttable() {
        INDArray sequences = TestData.gaussian(TYPE, 1, 4, TestModels.FEATURES, TIME);
        return Stream.of(
                new MultiDataSet(sequences, TestData.oneHot(4, TYPE, 1)),
                new MultiDataSet(sequences, Sequences.labels(TYPE, 4, TIME + 1, 1)));
    }

    /** Where {@code fit} logs a warning and skips the batch. */
    @ParameterizedTest
    @MethodSource("uncuttable")
    void aBatchThatCannotBeCutIsRejected(MultiDataSet batch) {
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(model(), session)) {
                        trainer.fit(ShardedData.of(new BatchList(List.of(batch)), Sharding.EXAMPLES), 1);
                    }
                }))
                .rootCause()
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("step 0 in epoch 0 has no sequences of one length")
                .hasMessageContaining("[4, 12, 8]");
    }

    @Test
    void bidirectionalLayersAreRejectedByDeeplearning4j() {
        MultiLayerNetwork model = Sequences.layered(
                TestModels.configuration(new Sgd(0.1), TYPE),
                new Bidirectional(new LSTM.Builder().nOut(4).build()));

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(data(), 1);
                    }
                }))
                .hasRootCauseInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("truncated BPTT");
    }
}
