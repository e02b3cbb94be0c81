package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a worker asks of the servers, and in which order. */
class ParameterServerTest {

    private static final StepSummary FIVE_EXAMPLES = StepSummary.alone(StepReport.of(5, 0.1, false));

    private final List<String> calls = new ArrayList<>();
    private final PlayedModel model = new PlayedModel(ElementType.FLOAT32, 3, calls);

    /** Records requests. Its parameters are the number of the step that they are for. */
    private final class PlayedStore implements ParameterStore {

        private final boolean ahead;
        private long pulled;

        PlayedStore(boolean ahead) {
            this.ahead = ahead;
        }

        @Override
        public void start(Region parameters) {
            calls.add("start");
        }

        @Override
        public long resume(long step) {
            calls.add("resume " + step);
            return step + 2;
        }

        @Override
        public boolean mayPullAhead() {
            return ahead;
        }

        @Override
        public void beginPull(long step) {
            calls.add("request " + step);
            pulled = step;
        }

        @Override
        public void awaitPull(Region parameters) {
            calls.add("pull");
            parameters.putFloat(0, (float) pulled);
        }

        @Override
        public void push(Region gradient, long step, long examples, int epoch) {
            calls.add("push " + step + " of " + examples + " examples in epoch " + epoch);
        }

        @Override
        public void awaitPush() {
            calls.add("await push");
        }

        @Override
        public void finish(Region parameters) {
            calls.add("finish");
        }

        @Override
        public long maxStaleness() {
            return 4;
        }
    }

    private void steps(ParameterExchange exchange, long from, long to) {
        for (long step = from; step < to; step++) {
            exchange.before(model, step);
            exchange.apply(model, FIVE_EXAMPLES, step);
            exchange.after(model, FIVE_EXAMPLES, step);
        }
    }

    @Test
    void aWorkerReducesWithNobody() {
        ParameterServer strategy = new ParameterServer(new PlayedStore(false), "asp on 2 servers");

        assertThat(strategy.reduction().ranks(new World(2, 4))).containsExactly(2);
        assertThat(strategy.description()).isEqualTo("paramserver, asp on 2 servers");
        assertThat(strategy.exchange().checkpointObstacle()).isNotEmpty();
    }

    @Test
    void aStepPullsThenPushesTheMean() {
        ParameterExchange exchange = new ParameterServer(new PlayedStore(false), "").exchange();

        exchange.start(model);
        assertThat(exchange.resume(model, 10)).isEqualTo(12);
        steps(exchange, 12, 14);
        exchange.finish(model);

        assertThat(calls)
                .containsExactly(
                        "start",
                        "resume 10",
                        "request 12",
                        "pull",
                        "average",
                        "push 12 of 5 examples in epoch 7",
                        "request 13",
                        "pull",
                        "average",
                        "push 13 of 5 examples in epoch 7",
                        "finish");
        assertThat(model.parameter(0)).isEqualTo(13);
        assertThat(exchange.maxStaleness()).isEqualTo(4);
    }

    @Test
    void aStoreThatAllowsItIsAskedForTheNextStepBeforeThePush() {
        ParameterExchange exchange = new ParameterServer(new PlayedStore(true), "").exchange();

        steps(exchange, 0, 2);

        assertThat(calls)
                .containsExactly(
                        "request 0",
                        "pull",
                        "request 1",
                        "average",
                        "push 0 of 5 examples in epoch 7",
                        "pull",
                        "request 2",
                        "average",
                        "push 1 of 5 examples in epoch 7");
    }

    @Test
    void whatWasRequestedAheadIsNotUsedAfterTheEndOfACall() {
        ParameterExchange exchange = new ParameterServer(new PlayedStore(true), "").exchange();
        steps(exchange, 0, 1);
        exchange.finish(model);
        exchange.resume(model, 1);
        calls.clear();

        exchange.before(model, 1);

        assertThat(calls).startsWith("request 1", "pull");
    }
}
