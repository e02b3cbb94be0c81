package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The equations of elastic averaging, and when the centre is read and added to. */
class ElasticAveragingTest {

    private static final StepSummary ONE_EXAMPLE = StepSummary.alone(StepReport.of(1, 0.1, false));

    /** Longer than two of the blocks in which the exchange computes, and no multiple of one. */
    private static final int LENGTH = 2_500;

    private final List<String> calls = new ArrayList<>();

    /** A centre in memory. An addition takes effect when it is awaited. */
    private final class PlayedCentre implements SharedVector {

        private final ElementType type;
        private final double[] values = new double[LENGTH];
        private Region adding = Region.allocate("nothing", 0);

        PlayedCentre(ElementType type) {
            this.type = type;
        }

        @Override
        public void start(Region initial) {
            calls.add("start");
        }

        @Override
        public void read(Region into) {
            calls.add("read");
            for (int i = 0; i < LENGTH; i++) {
                PlayedModel.put(type, into, i, values[i]);
            }
        }

        @Override
        public void beginAccumulate(Region delta) {
            calls.add("add");
            adding = delta;
        }

        @Override
        public void awaitAccumulate() {
            calls.add("added");
            for (int i = 0; i < adding.byteLength() / type.bytes(); i++) {
                values[i] += type == ElementType.FLOAT32 ? adding.getFloat(i * 4L) : adding.getDouble(i * 8L);
            }
            adding = Region.allocate("nothing", 0);
        }

        @Override
        public void finish(Region into) {
            calls.add("finish");
        }
    }

    private static void step(ParameterExchange exchange, PlayedModel model, long step) {
        exchange.before(model, step);
        exchange.apply(model, ONE_EXAMPLE, step);
        exchange.after(model, ONE_EXAMPLE, step);
    }

    @ParameterizedTest
    @EnumSource
    void eachIsPulledTowardsTheOtherByTheMovingRate(ElementType type) {
        PlayedModel model = new PlayedModel(type, LENGTH, calls);
        PlayedCentre centre = new PlayedCentre(type);
        ParameterExchange exchange = new ElasticAveraging(centre, 0.25, 1).exchange();
        exchange.start(model);
        for (int i = 0; i < LENGTH; i++) {
            model.setParameter(i, i + 8);
            centre.values[i] = i;
        }

        step(exchange, model, 0);
        exchange.finish(model);

        for (int i = 0; i < LENGTH; i++) {
            assertThat(model.parameter(i)).as("w %d", i).isEqualTo(i + 6);
            assertThat(centre.values[i]).as("centre %d", i).isEqualTo(i + 2);
        }
    }

    @Test
    void theModelUpdatesItselfAndTheCentreIsReadAfterTheLastAddition() {
        PlayedModel model = new PlayedModel(ElementType.FLOAT32, LENGTH, calls);
        ParameterExchange exchange = new ElasticAveraging(new PlayedCentre(ElementType.FLOAT32), 0.5, 3).exchange();
        exchange.start(model);

        for (int step = 0; step < 6; step++) {
            step(exchange, model, step);
        }
        exchange.finish(model);

        assertThat(calls)
                .containsExactly(
                        "start", "update", "update", "update", "added", "read", "add", "update", "update", "update",
                        "added", "read", "add", "added", "finish");
    }

    @Test
    void aCentreThatIsReadAheadIsReadBeforeTheStepOfTheExchange() {
        PlayedModel model = new PlayedModel(ElementType.FLOAT32, LENGTH, calls);
        ParameterExchange exchange = ElasticAveraging.readingAhead(new PlayedCentre(ElementType.FLOAT32), 0.5, 2)
                .exchange();
        exchange.start(model);

        for (int step = 0; step < 2; step++) {
            step(exchange, model, step);
        }

        assertThat(calls).containsExactly("start", "update", "read", "update", "added", "add");
    }

    @Test
    void ranksTrainAloneAndHaveNoCommonState() {
        ElasticAveraging strategy = new ElasticAveraging(new PlayedCentre(ElementType.FLOAT32), 0.225, 4);

        assertThat(strategy.reduction().ranks(new World(1, 4))).containsExactly(1);
        assertThat(strategy.exchange().checkpointObstacle()).isNotEmpty();
        assertThat(strategy.description()).isEqualTo("elastic, moving rate 0.225000, every 4 steps");
        assertThat(ElasticAveraging.defaultMovingRate(4)).isEqualTo(0.225);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.1, 1, Double.NaN})
    void aMovingRateIsBetweenZeroAndOne(double rate) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ElasticAveraging(new PlayedCentre(ElementType.FLOAT32), rate, 1))
                .withMessageContaining("moving rate of " + rate);
    }
}
