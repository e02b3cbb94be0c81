package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/** A rank fails while the other waits for something other than a rank that never comes. */
@Timeout(120)
class LostWhileAwayTest {

    private static final int EXAMPLES = 64;

    @TempDir
    Path directory;

    /** Where rank 0 is when rank 1 fails. */
    enum Away {
        IN_ITS_SOURCE("the wait for its data, step 0"),
        IN_ITS_ITERATOR("the program's data iterator, for the batch of step 0"),
        IN_A_LISTENER_DURING_THE_PASS("the backward pass or a listener in it of step 0"),
        IN_A_LISTENER_AFTER_THE_UPDATE("the update or a listener after it of step 0"),
        IN_THE_PROGRESS_LISTENER("the progress listener, at the end of step 0"),
        IN_A_LISTENER_OF_EPOCHS("a listener, before or after an epoch, at the end of step 0");

        private final String words;

        Away(String words) {
            this.words = words;
        }
    }

    private static void waitForEver() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            throw new IllegalStateException("the program was interrupted", e);
        }
    }

    private static MultiLayerNetwork model() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT));
    }

    private static DataSet rows(int count) {
        return new DataSet(Nd4j.ones(count, TestModels.FEATURES), Nd4j.ones(count, TestModels.CLASSES));
    }

    /** Rank 1 fails at the corresponding place, rank 0 waits at its own. */
    private static void meet(Session session, Away here, Away place) {
        if (here != place) {
            return;
        }
        if (session.world().rank() == 1) {
            throw new IllegalArgumentException("rank 1 fails");
        }
        waitForEver();
    }

    /** Must not be read ahead. */
    private static final class OnThisThread implements MultiDataSetIterator {

        private final Session session;

        OnThisThread(Session session) {
            this.session = session;
        }

        @Override
        public MultiDataSet next() {
            meet(session, Away.IN_ITS_ITERATOR, Away.IN_ITS_ITERATOR);
            throw new NoSuchElementException();
        }

        @Override
        public MultiDataSet next(int rows) {
            return next();
        }

        @Override
        public boolean hasNext() {
            return true;
        }

        @Override
        public boolean asyncSupported() {
            return false;
        }

        @Override
        public boolean resetSupported() {
            return true;
        }

        @Override
        public void reset() {}

        @Override
        public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
            throw new UnsupportedOperationException();
        }

        @Override
        public @Nullable MultiDataSetPreProcessor getPreProcessor() {
            return null;
        }
    }

    private static ShardedData data(Session session, Away place) {
        if (place == Away.IN_ITS_ITERATOR) {
            return ShardedData.of(new OnThisThread(session), Sharding.EXAMPLES);
        }
        return ShardedData.of(
                ExampleSource.of(EXAMPLES, indices -> {
                    meet(session, Away.IN_ITS_SOURCE, place);
                    return rows(indices.length);
                }),
                4,
                1);
    }

    private static final class Meeting extends BaseTrainingListener {
        private final Session session;
        private final Away place;

        Meeting(Session session, Away place) {
            this.session = session;
            this.place = place;
        }

        @Override
        public void onGradientCalculation(Model model) {
            meet(session, Away.IN_A_LISTENER_DURING_THE_PASS, place);
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            meet(session, Away.IN_A_LISTENER_AFTER_THE_UPDATE, place);
        }

        @Override
        public void onEpochStart(Model model) {
            meet(session, Away.IN_A_LISTENER_OF_EPOCHS, place);
        }
    }

    @ParameterizedTest
    @EnumSource
    void theLossOfARankEndsIt(Away place) {
        AtomicReference<Throwable> survivor = new AtomicReference<>();

        Throwable thrown = catchThrowable(() -> Gyre.local(2).run(session -> {
            MultiLayerNetwork model = model();
            model.setListeners(new Meeting(session, place));
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .progressListener((step, epoch, total) -> meet(session, Away.IN_THE_PROGRESS_LISTENER, place))
                    .build()) {
                trainer.fit(data(session, place), 1);
            } catch (PeerLostException e) {
                survivor.set(e);
                throw e;
            }
        }));

        assertThat(thrown).hasMessage("rank 1 failed: rank 1 fails");
        assertThat(survivor.get())
                .hasMessageStartingWith("rank 0 stopped in " + place.words + ": rank 1 (host")
                .hasMessageContaining("rank 1 fails");
        if (place != Away.IN_ITS_SOURCE) {
            assertThat(survivor.get()).hasCauseInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void anEvaluationEndsToo() {
        AtomicReference<Throwable> survivor = new AtomicReference<>();

        Throwable thrown = catchThrowable(() -> Gyre.local(2).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model(), session)) {
                trainer.evaluate(data(session, Away.IN_ITS_SOURCE));
            } catch (PeerLostException e) {
                survivor.set(e);
                throw e;
            }
        }));

        assertThat(thrown).hasMessage("rank 1 failed: rank 1 fails");
        assertThat(survivor.get())
                .hasMessageStartingWith("rank 0 stopped in the program's data or the model, in evaluate: rank 1 (host");
    }

    @Test
    void anExportOnRankZeroOnlyIsNamedBesideWhatTheOtherCallsInstead() {
        Path file = directory.resolve("model.zip");

        Throwable thrown = catchThrowable(() -> Gyre.local(2).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model(), session)) {
                for (int epoch = 0; epoch < 2; epoch++) {
                    trainer.fit(ShardedData.of(ExampleSource.of(8, indices -> rows(indices.length)), 4, 1), 1);
                    if (session.world().isRoot()) {
                        trainer.exportModel(file);
                    }
                }
            }
        }));

        assertThat(thrown)
                .hasMessageContainingAll(
                        "rank 0 (host", "'export to " + file + "'", "rank 1 (host", "'agreement on training data'");
    }

    @Test
    void anExportOnRankZeroOnlyIsNamed() {
        Path file = directory.resolve("model.zip");

        Throwable thrown = catchThrowable(() -> Gyre.local(2).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model(), session)) {
                trainer.fit(ShardedData.of(ExampleSource.of(8, indices -> rows(indices.length)), 4, 1), 1);
                if (session.world().isRoot()) {
                    trainer.exportModel(file);
                }
            }
        }));

        assertThat(thrown)
                .hasMessageContainingAll(
                        "rank 0 stopped in export to " + file, "rank 1 (host", "has not made this call", "isRoot()");
    }
}
