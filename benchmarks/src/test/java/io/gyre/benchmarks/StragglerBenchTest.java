package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.StaleSynchronous;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class StragglerBenchTest {

    static Stream<Arguments> runs() {
        List<Consistency> consistencies =
                List.of(new BulkSynchronous(), new StaleSynchronous(2), new AsynchronousParallel());
        return Stream.of(Straggler.values())
                .flatMap(slow -> Stream.of(true, false)
                        .flatMap(dealt -> consistencies.stream().map(each -> Arguments.of(slow, dealt, each))));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void allBatchesAreTrainedOnceAndTheBoundIsKept(Straggler slow, boolean dealt, Consistency consistency)
            throws Exception {
        StragglerResult result = new StragglerBench(3, 31, 1, 4, slow, dealt).run(consistency);

        assertThat(result.batches()).hasSize(3);
        assertThat(result.batches().stream().mapToLong(Long::longValue).sum()).isEqualTo(31);
        assertThat(result.seconds()).isPositive();
        if (consistency instanceof StaleSynchronous bounded) {
            assertThat(result.maxStaleness()).isLessThanOrEqualTo(bounded.bound());
        }
        if (!dealt) {
            assertThat(result.batches()).containsExactlyInAnyOrder(10L, 10L, 11L);
        }
    }
}
