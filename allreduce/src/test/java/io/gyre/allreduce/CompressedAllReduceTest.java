package io.gyre.allreduce;

import static io.gyre.ElementType.FLOAT32;
import static io.gyre.ElementType.FLOAT64;
import static io.gyre.ReduceOp.MAX;
import static io.gyre.ReduceOp.SUM;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gyre.allreduce.RecordingEndpoint.Sent;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which bits a compressed all-reduce gives, and how many bytes it sends. */
@Timeout(60)
class CompressedAllReduceTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int SHORT_FRAMES = 4096;

    @ParameterizedTest(name = "{0}, {1} ranks, {2} floats")
    @CsvSource({
        "bf16, 2, 1000", "bf16, 3, 100003", "bf16, 5, 3", "bf16, 8, 262147",
        "fp16, 2, 1", "fp16, 3, 70001", "fp16, 4, 5000", "plain, 4, 70001"
    })
    void everyRanksValuesAreRoundedOnceAndTheirSumInRankOrderOnce(String word, int ranks, int length) throws Exception {
        List<float[]> results = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(values(session.world().rank(), length));
            try (Collective collective =
                    new CompressedCollective(new RecordingEndpoint(session.endpoint(), SHORT_FRAMES), codec(word))) {
                collective.allReduce(data, FLOAT32, SUM, 0, 0);
            }
            return Floats.read(data);
        });

        float[] expected = expected(
                word,
                length,
                IntStream.range(0, ranks).mapToObj(rank -> values(rank, length)).toList());
        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(expected));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "fp16"})
    void bucketsDoNotChangeTheBits(String word) throws Exception {
        int length = 50_021;
        List<float[]> results = Gyre.local(3).call(session -> {
            Region data = Floats.region(values(session.world().rank(), length));
            try (Collective collective = new CompressedCollective(session.endpoint(), codec(word))) {
                long first = 17_003L * Float.BYTES;
                collective.allReduce(data.slice(first, data.byteLength() - first), FLOAT32, SUM, 0, 0);
                collective.allReduce(data.slice(0, first), FLOAT32, SUM, 0, 1);
            }
            return Floats.read(data);
        });

        float[] expected = expected(word, length, List.of(values(0, length), values(1, length), values(2, length)));
        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(expected));
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 40_000})
    void insideAHostFloatsAreAddedAndTheHostsSumsAreRounded(int length) throws Exception {
        Hosts hosts = new Hosts(List.of(List.of(0, 1), List.of(2, 3), List.of(4, 5)));
        List<float[]> results = Gyre.local(6).call(session -> {
            Region data = Floats.region(values(session.world().rank(), length));
            try (Collective collective =
                    new HierarchicalCollective(session.endpoint(), hosts, new ScalarKernels(), new Bfloat16Codec())) {
                collective.allReduce(data, FLOAT32, SUM, 0, 0);
            }
            return Floats.read(data);
        });

        float[] expected = expected("bf16", length, List.of(sum(0, 1, length), sum(2, 3, length), sum(4, 5, length)));
        assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(expected));
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {2, 3, 8})
    void halfTheBytesOfARingAreSent(int ranks) throws Exception {
        int length = 3 * 8 * CompressedAllReduce.SEGMENT;
        List<long[]> bytes = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(values(session.world().rank(), length));
            RecordingEndpoint endpoint = new RecordingEndpoint(session.endpoint(), SHORT_FRAMES);
            try (Collective exact = new RingCollective(endpoint);
                    Collective compressed = new CompressedCollective(endpoint, new Float16Codec())) {
                exact.allReduce(data, FLOAT32, SUM, 0, 0);
                long ofRing = sent(endpoint);
                compressed.allReduce(data, FLOAT32, SUM, 0, 0);
                return new long[] {ofRing, sent(endpoint) - ofRing};
            }
        });

        assertThat(bytes.stream().mapToLong(each -> each[1]).sum() * 2)
                .isEqualTo(bytes.stream().mapToLong(each -> each[0]).sum())
                .isEqualTo(2L * (ranks - 1) * length * Float.BYTES);
    }

    private static long sent(RecordingEndpoint endpoint) {
        return endpoint.sent().stream().mapToLong(Sent::bytes).sum();
    }

    @Test
    void whatIsNotFiniteOnOneRankIsSoOnAllAndNothingElseIs() throws Exception {
        int length = 40_000;
        List<float[]> results = Gyre.local(3).call(session -> {
            float[] values = new float[length];
            values[100 * session.world().rank()] = Float.NaN;
            values[39_999] = 40_000;
            values[20_000] = session.world().rank() == 1 ? Float.NEGATIVE_INFINITY : 1;
            Region data = Floats.region(values);
            try (Collective collective = new CompressedCollective(session.endpoint(), new Float16Codec())) {
                collective.allReduce(data, FLOAT32, SUM, 0, 0);
            }
            return Floats.read(data);
        });

        for (float[] result : results) {
            for (int i = 0; i < length; i++) {
                switch (i) {
                    case 0, 100, 200 -> assertThat(result[i]).isNaN();
                    case 20_000 -> assertThat(result[i]).isEqualTo(Float.NEGATIVE_INFINITY);
                    case 39_999 -> assertThat(result[i]).isEqualTo(Float.POSITIVE_INFINITY);
                    default -> assertThat(result[i]).isZero();
                }
            }
        }
    }

    @Test
    void otherTypesAndOperationsAreExact() throws Exception {
        Gyre.local(3).run(session -> {
            float own = 1 + session.world().rank() * 1e-6f;
            Region floats = Floats.region(own);
            Region doubles = Region.allocate("doubles", Double.BYTES);
            doubles.putDouble(0, own);
            try (Collective collective = new CompressedCollective(session.endpoint(), new Bfloat16Codec())) {
                collective.allReduce(floats, FLOAT32, MAX, 0, 0);
                collective.allReduce(doubles, FLOAT64, SUM, 0, 0);
            }
            assertThat(floats.getFloat(0)).isEqualTo(1 + 2e-6f);
            assertThat(doubles.getDouble(0)).isEqualTo(1.0 + (1 + 1e-6f) + (double) (1 + 2e-6f));
        });
    }

    /** As many ranks as need more buffers than codecs keep views of. */
    @ParameterizedTest(name = "{0}, {1} ranks")
    @CsvSource({
        "bf16, 2",
        "fp16, 3",
        "fp16, 20",
        "int8, 3",
        "onebit, 3",
        "topk:0.01, 3",
        "randomk:0.01, 3",
        "threshold:5, 3"
    })
    void nothingIsAllocatedAfterTheFirstCalls(String word, int ranks) throws Exception {
        int rounds = 50;
        List<Long> allocated = Gyre.local(ranks).call(session -> {
            Region data = Floats.region(new float[50_001]);
            float[] values = values(session.world().rank(), 50_001);
            Collective collective = new CompressedCollective(session.endpoint(), codec(word));
            for (int step = 0; step < rounds; step++) {
                Floats.write(values, data, 0);
                collective.allReduce(data, FLOAT32, SUM, step, 0);
            }
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int step = rounds; step < 2 * rounds; step++) {
                Floats.write(values, data, 0);
                collective.allReduce(data, FLOAT32, SUM, step, 0);
            }
            return THREADS.getCurrentThreadAllocatedBytes() - before;
        });

        assertThat(allocated).allSatisfy(bytes -> assertThat(bytes).isLessThan(rounds * 16L));
    }

    private static GradientCodec codec(String word) {
        return word.equals("plain") ? new PlainCodec() : GradientCodecs.of(word).get();
    }

    /** Within the range of fp16. */
    private static float[] values(int rank, int length) {
        float[] values = Floats.of(rank, length);
        for (int i = 0; i < length; i++) {
            values[i] /= 100;
        }
        return values;
    }

    private static float[] sum(int first, int second, int length) {
        float[] sum = values(first, length);
        float[] other = values(second, length);
        for (int i = 0; i < length; i++) {
            sum[i] += other[i];
        }
        return sum;
    }

    private static float[] expected(String word, int length, List<float[]> terms) {
        float[] sum = rounded(word, terms.get(0));
        for (float[] term : terms.subList(1, terms.size())) {
            float[] next = rounded(word, term);
            for (int i = 0; i < length; i++) {
                sum[i] += next[i];
            }
        }
        return rounded(word, sum);
    }

    private static float[] rounded(String word, float[] values) {
        GradientCodec codec = codec(word);
        ByteBuffer floats =
                ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
        ByteBuffer encoded =
                ByteBuffer.allocateDirect(codec.encodedBytes(values.length)).order(ByteOrder.nativeOrder());
        floats.asFloatBuffer().put(values);
        codec.encode(floats, 0, values.length, encoded, 0);
        codec.decode(encoded, 0, values.length, floats, 0);
        float[] rounded = new float[values.length];
        floats.asFloatBuffer().get(rounded);
        return rounded;
    }
}
