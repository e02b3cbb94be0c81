package io.gyre.benchmarks;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import org.jspecify.annotations.Nullable;

/** Whether this JVM's compiler still uses a significant part of a core. */
final class CompilerLoad {

    /** Of one core; below that only rare paths are compiled. */
    private static final double BUSY = 0.05;

    /** Null in an interpreter-only JVM. */
    private final @Nullable CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();

    private long beginNanos;
    private long beginCompiledMillis;

    /** Starts the measurement. */
    void begin() {
        beginNanos = System.nanoTime();
        beginCompiledMillis = compiledMillis();
    }

    /** Whether it was busy since {@link #begin}. */
    boolean isBusy() {
        double compiled = (compiledMillis() - beginCompiledMillis) * 1e6;
        return compiled > BUSY * (System.nanoTime() - beginNanos);
    }

    private long compiledMillis() {
        return compiler != null && compiler.isCompilationTimeMonitoringSupported()
                ? compiler.getTotalCompilationTime()
                : 0;
    }
}
