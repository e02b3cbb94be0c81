package io.gyre.allreduce;

import static io.gyre.ElementType.FLOAT32;
import static io.gyre.ReduceOp.SUM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.DisagreementException;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.kernel.Residual;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What codecs with residuals send in several steps, and keep. */
@Timeout(60)
class ErrorFeedbackTest {

    private static final int STEPS = 6;
    private static final int SHORT_FRAMES = 4096;

    /** What all ranks got in all steps, and what one has kept. */
    private static final class Outcome {
        final double[] got;
        final float[] last;
        final float[] residual;

        Outcome(double[] got, float[] last, float[] residual) {
            this.got = got;
            this.last = last;
            this.residual = residual;
        }
    }

    @ParameterizedTest(name = "{0}, {1} ranks, {2} floats")
    @CsvSource({
        "onebit, 2, 1000",
        "onebit, 3, 50003",
        "onebit, 2, 0",
        "onebit, 3, 1",
        "onebit, 2, 65",
        "topk:0.05, 2, 63",
        "topk:0.05, 3, 50003",
        "topk:0.01, 5, 64",
        "topk:1, 3, 50000",
        "topk:0.5, 2, 1",
        "randomk:0.05, 3, 65",
        "randomk:0.2, 3, 50003",
        "randomk:0.2, 2, 0",
        "threshold:2, 2, 64",
        "threshold:30, 3, 50003",
        "threshold:0.001, 5, 20001",
        "threshold:1e9, 2, 1"
    })
    void whatWasSentAndWhatIsKeptAreAllGradients(String word, int ranks, int length) throws Exception {
        List<Outcome> outcomes = Gyre.local(ranks).call(session -> {
            GradientCodec codec = GradientCodecs.of(word).get();
            double[] got = new double[length];
            float[] last = new float[0];
            try (Collective collective =
                    new CompressedCollective(new RecordingEndpoint(session.endpoint(), SHORT_FRAMES), codec)) {
                for (int step = 0; step < STEPS; step++) {
                    Region data = Floats.region(values(session.world().rank(), step, length));
                    reduceInBuckets(collective, data, step);
                    last = Floats.read(data);
                    add(got, last);
                }
            }
            return new Outcome(got, last, residual(codec, length));
        });

        for (Outcome outcome : outcomes) {
            assertThat(outcome.last).isEqualTo(outcomes.get(0).last);
            assertThat(outcome.got).isEqualTo(outcomes.get(0).got);
        }
        double[] all = outcomes.get(0).got;
        double[] expected = new double[length];
        for (int rank = 0; rank < ranks; rank++) {
            add(all, outcomes.get(rank).residual);
            for (int step = 0; step < STEPS; step++) {
                add(expected, values(rank, step, length));
            }
        }
        assertThat(all).containsExactly(expected, within(0.05));
    }

    private static void add(double[] into, float[] values) {
        for (int i = 0; i < values.length; i++) {
            into[i] += values[i];
        }
    }

    /** In every step at other places: a residual belongs to a position, not to a bucket. */
    private static void reduceInBuckets(Collective collective, Region data, int step) {
        long cut = data.byteLength() / Float.BYTES * (step % 4) / 5 * Float.BYTES;
        collective.allReduce(data.slice(cut, data.byteLength() - cut), FLOAT32, SUM, step, 0);
        collective.allReduce(data.slice(0, cut), FLOAT32, SUM, step, 1);
    }

    @Test
    void withoutAnyErrorSumsAreThoseOfFloats() throws Exception {
        int length = 40_000;
        List<float[]> results = Gyre.local(2).call(session -> {
            Region data = Floats.region(values(session.world().rank(), 0, length));
            try (Collective collective = new CompressedCollective(
                    session.endpoint(), GradientCodecs.of("topk:1").get())) {
                collective.allReduce(data, FLOAT32, SUM, 0, 0);
            }
            return Floats.read(data);
        });

        float[] expected = values(0, 0, length);
        float[] other = values(1, 0, length);
        for (int i = 0; i < length; i++) {
            expected[i] += other[i];
        }
        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(expected));
    }

    /** A step for which no rank has examples is not applied: it must not take anything from the residuals. */
    @ParameterizedTest
    @ValueSource(strings = {"onebit", "topk:0.01", "randomk:0.01", "threshold:50"})
    void ranksWithoutGradientsKeepTheirResiduals(String word) throws Exception {
        int length = 40_000;
        Gyre.local(3).run(session -> {
            GradientCodec codec = GradientCodecs.of(word).get();
            try (Collective collective = new CompressedCollective(session.endpoint(), codec)) {
                collective.allReduce(Floats.region(values(session.world().rank(), 0, length)), FLOAT32, SUM, 0, 0);
                float[] before = residual(codec, length);
                assertThat(before).isNotEqualTo(new float[length]);
                Region nothing = Floats.region(new float[length]);
                collective.allReduce(nothing, FLOAT32, SUM, 1, 0);
                assertThat(Floats.read(nothing)).isEqualTo(new float[length]);
                assertThat(residual(codec, length)).isEqualTo(before);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "onebit", "topk:0.01", "randomk:0.01", "threshold:0.5"})
    void allRanksNoticeWhatIsNotFiniteAndKeepFiniteResiduals(String word) throws Exception {
        int length = 40_000;
        Gyre.local(3).run(session -> {
            GradientCodec codec = GradientCodecs.of(word).get();
            try (Collective collective = new CompressedCollective(session.endpoint(), codec)) {
                for (int owner = 0; owner < 3; owner++) {
                    float[] values = values(session.world().rank(), owner, length);
                    if (session.world().rank() == 1) {
                        values[owner * 13_000 + 501] = owner == 1 ? Float.NaN : Float.POSITIVE_INFINITY;
                    }
                    Region data = Floats.region(values);
                    collective.allReduce(data, FLOAT32, SUM, owner, 0);
                    boolean finite = true;
                    for (float value : Floats.read(data)) {
                        finite &= Float.isFinite(value);
                    }
                    assertThat(finite).as("sums of the chunk of rank %d", owner).isFalse();
                }
            }
            if (codec.residual() != null) {
                for (float value : residual(codec, length)) {
                    assertThat(value).isFinite();
                }
            }
        });
    }

    @ParameterizedTest(name = "{0}, {1} floats")
    @CsvSource({"topk:0.1, 1000", "topk:0.1, 40000", "randomk:0.1, 40000", "onebit, 40000", "onebit, 900"})
    void ranksOfSeveralHostsHaveTheSameBits(String word, int length) throws Exception {
        Hosts hosts = new Hosts(List.of(List.of(0, 1), List.of(2, 3)));
        List<float[]> results = Gyre.local(4).call(session -> {
            Region data = Floats.region(new float[length]);
            try (Collective collective = new HierarchicalCollective(
                    session.endpoint(),
                    hosts,
                    new ScalarKernels(),
                    GradientCodecs.of(word).get())) {
                for (int step = 0; step < STEPS; step++) {
                    Floats.write(values(session.world().rank(), step, length), data, 0);
                    collective.allReduce(data, FLOAT32, SUM, step, 0);
                }
            }
            return Floats.read(data);
        });

        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(results.get(0)));
    }

    @Test
    void ranksWithDifferentCodecsAreStopped() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    String word = session.world().isRoot() ? "threshold:1" : "bf16";
                    try (Collective collective = new CompressedCollective(
                            session.endpoint(), GradientCodecs.of(word).get())) {
                        collective.allReduce(Floats.region(values(0, 0, 1000)), FLOAT32, SUM, 0, 0);
                    }
                }))
                .hasRootCauseInstanceOf(DisagreementException.class);
    }

    private static float[] residual(GradientCodec codec, int length) {
        Residual residual = Objects.requireNonNull(codec.residual());
        ByteBuffer floats = ByteBuffer.allocateDirect(length * Float.BYTES).order(ByteOrder.nativeOrder());
        residual.read(0, length, floats, 0);
        float[] values = new float[length];
        floats.asFloatBuffer().get(values);
        return values;
    }

    private static float[] values(int rank, int step, int length) {
        float[] values = Floats.of(rank + 10 * step, length);
        for (int i = 0; i < length; i++) {
            values[i] /= 100;
        }
        return values;
    }
}
