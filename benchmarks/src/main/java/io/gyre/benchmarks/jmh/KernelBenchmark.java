package io.gyre.benchmarks.jmh;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.ScalarKernels;
import io.gyre.openblas.FastKernels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * Each operation of {@link Kernels} on floats. {@code benchmarks/peers/kernels.c} is the same in C. The figures for 4
 * KiB and less include reading the clock, which takes about 25 ns.
 */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup before all others.
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class KernelBenchmark {

    /** The implementation: {@link FastKernels}, or one of those that it chooses from. */
    @Param({"fast", "array", "scalar"})
    public String kernels;

    /** Bytes of floats. */
    @Param({"256", "4096", "262144", "1048576", "16777216", "104857600"})
    public int bytes;

    private Kernels used;
    private ByteBuffer into;
    private ByteBuffer from;

    @Setup
    public void allocate() {
        used = switch (kernels) {
            case "fast" -> FastKernels.choose();
            case "array" -> new ArrayKernels();
            case "scalar" -> new ScalarKernels();
            default -> throw new IllegalArgumentException("kernels '" + kernels + "': fast, array or scalar");
        };
        into = direct(bytes);
        from = direct(bytes);
        for (int i = 0; i < bytes; i += Float.BYTES) {
            // Adding zeros any number of times leaves values unchanged, and takes as long as adding other numbers.
            into.putFloat(i, i % 1001);
        }
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes + 64).alignedSlice(64).order(ByteOrder.nativeOrder());
    }

    @Benchmark
    public void sum() {
        used.reduce(ReduceOp.SUM, ElementType.FLOAT32, into, 0, from, 0, bytes);
    }

    @Benchmark
    public void max() {
        used.reduce(ReduceOp.MAX, ElementType.FLOAT32, into, 0, from, 0, bytes);
    }

    @Benchmark
    public void scale() {
        used.scale(ElementType.FLOAT32, into, 0, bytes, -1);
    }

    @Benchmark
    public void axpy() {
        used.axpy(ElementType.FLOAT32, 0.5, into, 0, from, 0, bytes);
    }
}
