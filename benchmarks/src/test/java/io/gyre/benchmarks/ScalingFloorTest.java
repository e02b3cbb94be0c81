package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScalingFloorTest {

    /** 100 MB take 0.1 s on this wire, headers included. */
    private static final Wire WIRE = new Wire(8e9 * (1_000 + Wire.HEADER_BYTES) / 1_000, 1_000);

    private static final BucketPlan PLAN = TimedModel.plan(100_000_000, 12_500_000);

    private final ScalingFloor floor = new ScalingFloor(PLAN, 0.2, 0.5, WIRE);

    private static ScalingCase of(String strategy, int hosts, int ranksPerHost, double slow) {
        return new ScalingCase(new ScalingStrategy.Converter().convert(strategy), 8, hosts, ranksPerHost, slow);
    }

    @Test
    void headersTakeTheirPart() {
        Wire wire = new Wire(1e9, 1_344);

        assertThat(wire.bytes(1_344)).isCloseTo(1_482, within(1e-9));
        assertThat(wire.seconds(1_344)).isCloseTo(1_482 * 8 / 1e9, within(1e-15));
    }

    @Test
    void gradientsBecomeCompleteFromTheEnd() {
        assertThat(PLAN.buckets()).hasSize(9);
        Bucket first = PLAN.buckets().get(0);
        Bucket last = PLAN.buckets().get(8);

        assertThat(floor.completeSeconds(first, 1)).isCloseTo(0.1 + 0.1 / 8, within(1e-4));
        assertThat(floor.completeSeconds(last, 1)).isCloseTo(0.2, within(1e-12));
        assertThat(floor.completeSeconds(last, 3)).isCloseTo(0.6, within(1e-12));
    }

    @ParameterizedTest(name = "{0}, {1} hosts with {2} ranks, the last {3} times slower")
    @CsvSource({
        // A single rank only computes.
        "allreduce, 1, 1, 1, 0.2",
        "paramserver, 1, 1, 1, 0.2",
        "elastic, 1, 1, 1, 0.2",
        "hybrid, 1, 4, 1, 0.2",
        // The exchange of 100 MB begins with the first bucket, after 112.5 ms, and never idles: 100 ms.
        "allreduce, 2, 1, 1, 0.2125",
        "allreduce, 2, 4, 1, 0.2125",
        // 1.75 times as much.
        "allreduce, 8, 1, 1, 0.2875",
        // The slowest needs 37.5 ms per bucket, and each takes 12.5 ms on the wire.
        "allreduce, 2, 1, 3, 0.6125",
        // Half as many bytes.
        "allreduce:bf16, 2, 1, 3, 0.60625",
        // 2 x 87.5 ms on the wire, hidden in 200.
        "paramserver, 8, 1, 1, 0.2",
        // With 4 ranks per host, four times that.
        "paramserver, 8, 4, 1, 0.7",
        // The slow host requests a third as much.
        "paramserver, 2, 4, 3, 0.26667",
        // Reads are waited for, additions are not.
        "elastic, 8, 1, 1, 0.2875",
        "elastic:4, 8, 1, 1, 0.221875",
        // Both are hidden: one rank per host exchanges.
        "hybrid, 8, 1, 1, 0.2",
        "hybrid, 8, 4, 1, 0.2",
        "hybrid:4, 8, 4, 1, 0.2",
        // An all-reduce of 175 ms every few steps, which is waited for; all ranks step together.
        "diloco:50, 1, 1, 1, 0.2",
        "diloco:50, 8, 1, 1, 0.2035",
        "post-local:8, 8, 4, 1, 0.221875",
        "diloco:50, 2, 1, 3, 0.602"
    })
    void aStepTakesWhatMustBeComputedAndWhatCannotBeHidden(
            String strategy, int hosts, int ranksPerHost, double slow, double seconds) {
        assertThat(floor.seconds(of(strategy, hosts, ranksPerHost, slow))).isCloseTo(seconds, within(3e-4));
    }

    @ParameterizedTest
    @CsvSource({"allreduce, 0.93125", "paramserver, 0.875", "elastic, 0.875", "hybrid, 0.875", "hybrid:4, 0.21875"})
    void aSlowWireIsTheFloorOfAllThatMustCrossIt(String strategy, double seconds) {
        ScalingFloor slow = new ScalingFloor(PLAN, 0.1, 0.5, new Wire(WIRE.bitsPerSecond() / 5, 1_000));

        assertThat(slow.seconds(of(strategy, 8, 1, 1))).isCloseTo(seconds, within(3e-3));
    }
}
