package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainedShardTest {

    private final Region parameters = Region.allocate("parameters", 8);

    private TrainedShard shard(Training training) {
        return new TrainedShard(ElementType.FLOAT64, parameters, 0, training, 2);
    }

    private static Training training(Consistency consistency) {
        return new Training(consistency, new GradientDescent(1));
    }

    private static void push(TrainedShard shard, int worker, double gradient, long step, long seen, long weight) {
        Region region = Region.allocate("gradient", 8);
        region.putDouble(0, gradient);
        shard.push(worker, region, new GradientOrigin(step, seen, step, weight, 0));
    }

    private double value() {
        return parameters.getDouble(0);
    }

    @Test
    void inBulkSynchronyTheMeanOverAllExamplesIsAppliedOnce() {
        TrainedShard shard = shard(training(new BulkSynchronous()));

        push(shard, 0, 1, 0, 0, 10);
        assertThat(value()).isZero();
        assertThat(shard.mayBegin(1)).isFalse();
        push(shard, 1, 4, 0, 0, 30);

        assertThat(value()).isEqualTo(-(1 * 10 + 4 * 30) / 40.0);
        assertThat(shard.updates()).isEqualTo(1);
        assertThat(shard.mayBegin(1)).isTrue();
    }

    @Test
    void inBulkSynchronyAWorkerThatFinishesIsNotWaitedFor() {
        TrainedShard shard = shard(training(new BulkSynchronous()));
        push(shard, 0, 1, 0, 0, 10);

        shard.finish(1);

        assertThat(value()).isEqualTo(-1);
        push(shard, 0, 1, 1, 1, 10);
        assertThat(value()).isEqualTo(-2);
    }

    @Test
    void aPushOfAWorkerThatThenFinishesCounts() {
        TrainedShard shard = shard(training(new BulkSynchronous()));
        push(shard, 0, 1, 0, 0, 10);
        shard.finish(0);
        assertThat(value()).isZero();

        push(shard, 1, 3, 0, 0, 10);

        assertThat(value()).isEqualTo(-2);
    }

    @Test
    void asynchronousPushesAreAppliedAsTheyCome() {
        TrainedShard shard = shard(training(new AsynchronousParallel()));

        push(shard, 0, 1, 0, 0, 10);
        push(shard, 0, 1, 1, 1, 10);

        assertThat(value()).isEqualTo(-2);
        assertThat(shard.updates()).isEqualTo(2);
    }

    @Test
    void theRateFallsWithTheDelayIfThatIsWanted() {
        TrainedShard shard = shard(new Training(new AsynchronousParallel(), new GradientDescent(1), true, 0));
        for (int i = 0; i < 4; i++) {
            push(shard, 0, 1, i, i, 1);
        }

        push(shard, 1, 1, 0, 0, 1);

        assertThat(value()).isEqualTo(-4 - 1.0 / 4);
    }

    @Test
    void aDelayedGradientIsCompensatedByWhereTheParametersHaveGone() {
        TrainedShard shard = shard(new Training(new AsynchronousParallel(), new GradientDescent(1), false, 0.5));
        shard.pulled(1);
        push(shard, 0, 2, 0, 0, 1);

        push(shard, 1, 3, 0, 0, 1);

        double compensated = 3 + 0.5 * 3 * 3 * (-2 - 0);
        assertThat(value()).isEqualTo(-2 - compensated, within(1e-12));
    }

    @Test
    void theOptimiserHearsOfUpdatesAndEpochs() {
        List<String> heard = new ArrayList<>();
        Training training = new Training(
                new AsynchronousParallel(),
                (type, offset, length) ->
                        (region, gradient, update, epoch, part) -> heard.add(update + " in " + epoch));
        TrainedShard shard = shard(training);
        Region gradient = Region.allocate("gradient", 8);

        shard.push(0, gradient, new GradientOrigin(0, 0, 0, 1, 2));
        shard.push(1, gradient, new GradientOrigin(0, 0, 0, 1, 1));

        assertThat(heard).containsExactly("0 in 2", "1 in 2");
    }

    @Test
    void stalenessIsTheStepLessTheClockThatTheParametersHeld() {
        TrainedShard shard = shard(training(new AsynchronousParallel()));
        Region gradient = Region.allocate("gradient", 8);

        shard.push(0, gradient, new GradientOrigin(5, 0, 3, 1, 0));

        assertThat(shard.staleness().max()).isEqualTo(2);
    }

    @Test
    void aNegativeCompensationIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Training(new AsynchronousParallel(), new GradientDescent(1), false, -1));
    }
}
