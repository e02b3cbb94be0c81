package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.session.Session;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.UpdateStrategy;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** Ranks that are not in lockstep compare what they read first in a call of {@code fit} before any update. */
@Timeout(120)
class FirstDataTest {

    private static final int RANKS = 4;

    /** Reads other data; not the lead of its group, if there are groups. */
    private static final int ODD = 3;

    private static final DataType TYPE = DataType.FLOAT;

    /** Strategies whose ranks are not all in lockstep. */
    private enum Kind {
        ASYNCHRONOUS,
        STALE,
        ELASTIC,
        HYBRID,
        HYBRID_ELASTIC;

        boolean inGroups() {
            return this == HYBRID || this == HYBRID_ELASTIC;
        }

        ParameterService start(MultiLayerNetwork model, Session session) {
            ServiceBuilder builder = ParameterService.builder(session).groups(inGroups() ? 2 : RANKS);
            if (this != ELASTIC && this != HYBRID_ELASTIC) {
                builder.training(Strategies.training(
                        model, this == STALE ? new StaleSynchronous(2) : new AsynchronousParallel()));
            }
            return builder.start();
        }

        UpdateStrategy strategy(MultiLayerNetwork model, ParameterService service, Collective group) {
            return switch (this) {
                case ASYNCHRONOUS, STALE -> Strategies.parameterServer(model, service);
                case ELASTIC -> Strategies.elastic(model, service, 1);
                case HYBRID -> Strategies.hybrid(model, service, group);
                case HYBRID_ELASTIC -> Strategies.hybridElastic(model, service, group, 1);
            };
        }
    }

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
    }

    private static List<DataSet> batches() {
        return TestData.batches(TestData.vectors(48, TYPE, 1), 4);
    }

    /** The odd rank reads late: after rank 0 has got as far as it can, or has pushed. */
    @ParameterizedTest
    @EnumSource
    void nothingIsPushedOrUpdatedIfTheFirstDataDiffer(Kind kind) {
        CountDownLatch rootWaitsOrHasPushed = new CountDownLatch(1);
        AtomicInteger phases = new AtomicInteger();
        StepObserver observer = new StepObserver() {
            @Override
            public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
                phases.addAndGet(phase == StepPhase.LOAD ? 0 : 1);
                if (phase == StepPhase.AFTER) {
                    rootWaitsOrHasPushed.countDown();
                }
            }
        };
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        List<INDArray> parameters = Collections.synchronizedList(new ArrayList<>());

        Throwable thrown = catchThrowable(() -> Gyre.local(RANKS).run(session -> {
            int rank = session.world().rank();
            MultiLayerNetwork model = perceptron();
            List<DataSet> rows = new ArrayList<>(batches());
            Batches iterator = new Batches(rows);
            if (rank == ODD) {
                Collections.shuffle(rows, new Random(1));
                iterator.setPreProcessor(batch -> await(rootWaitsOrHasPushed));
            }
            try (ParameterService service = kind.start(model, session);
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(
                                    model, rank == 0 ? observed(session, rootWaitsOrHasPushed) : session)
                            .strategy(kind.strategy(model, service, group))
                            .observer(observer)
                            .build()) {
                try {
                    trainer.fit(ShardedData.of(iterator, Sharding.EXAMPLES), 1);
                } catch (DisagreementException e) {
                    messages.put(rank, String.valueOf(e.getMessage()));
                    parameters.add(model.params().dup());
                    throw e;
                }
            }
        }));

        assertThat(thrown).isInstanceOf(GyreException.class);
        assertThat(messages).hasSize(RANKS);
        assertThat(messages.values())
                .allSatisfy(message -> assertThat(message)
                        .contains("the data that they read at place 0 of epoch 0 in call 1 of fit", "on rank " + ODD));
        assertThat(phases).as("phases after loading").hasValue(0);
        parameters.forEach(of -> Bound.assertIdentical(of, perceptron().params()));
    }

    /** As each rank would be if its program were another from the second call on. */
    @ParameterizedTest
    @EnumSource
    void itIsSoInALaterCall(Kind kind) {
        AtomicInteger steps = new AtomicInteger();

        Throwable thrown = catchThrowable(() -> Gyre.local(RANKS).run(session -> {
            MultiLayerNetwork model = perceptron();
            List<DataSet> rows = new ArrayList<>(batches());
            Batches iterator = new Batches(rows);
            try (ParameterService service = kind.start(model, session);
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(kind.strategy(model, service, group))
                            .progressListener((step, epoch, total) -> steps.incrementAndGet())
                            .build()) {
                trainer.fit(ShardedData.of(iterator, Sharding.EXAMPLES), 1);
                if (session.world().rank() == ODD) {
                    Collections.shuffle(rows, new Random(1));
                }
                trainer.fit(ShardedData.of(iterator, Sharding.EXAMPLES), 1);
            }
        }));

        assertThat(thrown)
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("the data that they read at place 0 of epoch 1 in call 2 of fit");
        assertThat(steps).hasValue(RANKS * batches().size());
    }

    /** A session that reports when it begins to wait for the others' first data. */
    private static Session observed(Session session, CountDownLatch waits) {
        return (Session) Proxy.newProxyInstance(
                FirstDataTest.class.getClassLoader(), new Class<?>[] {Session.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("exchange") && arguments[0].equals(DataAttestation.FIRST)) {
                        waits.countDown();
                    }
                    try {
                        return method.invoke(session, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(1, TimeUnit.MINUTES)).as("rank 0 got there").isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }
}
