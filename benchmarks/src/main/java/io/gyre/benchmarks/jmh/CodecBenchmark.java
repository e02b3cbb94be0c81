package io.gyre.benchmarks.jmh;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Encoding and decoding of 64 KiB of floats, the segment of a compressed all-reduce, and a copy of them beside it. The
 * floats are drawn from a normal distribution, as gradients roughly are.
 */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup before all others.
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CodecBenchmark {

    private static final int ELEMENTS = 16 << 10;

    /** The word on the command line. */
    @Param({"bf16", "fp16", "int8", "onebit", "topk:0.01", "randomk:0.01", "threshold:2.5"})
    public String codec;

    private GradientCodec used;
    private ByteBuffer floats;
    private ByteBuffer encoded;
    private ByteBuffer decoded;
    private long step;

    @Setup
    public void allocate() {
        used = GradientCodecs.of(codec).get();
        floats = direct(ELEMENTS * Float.BYTES);
        decoded = direct(ELEMENTS * Float.BYTES);
        encoded = direct(used.encodedBytes(ELEMENTS));
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < ELEMENTS; i++) {
            double normal =
                    Math.sqrt(-2 * Math.log(1 - random.nextDouble())) * Math.cos(2 * Math.PI * random.nextDouble());
            floats.putFloat(i * Float.BYTES, (float) normal);
        }
        encode();
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes + 128).alignedSlice(64).order(ByteOrder.nativeOrder());
    }

    @Benchmark
    public void encode() {
        used.piece(step++, 0, false);
        used.encode(floats, 0, ELEMENTS, encoded, 0);
    }

    @Benchmark
    public void decode() {
        used.decode(encoded, 0, ELEMENTS, decoded, 0);
    }

    @Benchmark
    public void copy() {
        decoded.put(0, floats, 0, ELEMENTS * Float.BYTES);
    }
}
