package io.gyre.benchmarks.jmh;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
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

/** The checksum by which replicas are compared, of off-heap memory. */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup before all others.
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 7, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ChecksumBenchmark {

    /**
     * Bytes: the shortest slice; of ResNet-50 with momentum a slice, the gradients, and parameters with updater state.
     */
    @Param({"65536", "38544000", "102784000", "205568000"})
    public int bytes;

    private final CRC32C crc = new CRC32C();
    private ByteBuffer memory;

    @Setup
    public void allocate() {
        memory = ByteBuffer.allocateDirect(bytes);
        for (int i = 0; i < bytes; i++) {
            memory.put(i, (byte) (i * 31));
        }
    }

    @Benchmark
    public long crc32c() {
        crc.reset();
        crc.update(memory.rewind());
        return crc.getValue();
    }
}
