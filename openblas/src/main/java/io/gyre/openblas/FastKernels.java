package io.gyre.openblas;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.ScalarKernels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The fastest kernels that work in this JVM: OpenBLAS if it is on the class path with its native library, otherwise
 * Java arrays. The choice is made once, on first use, and logged with its reason.
 * {@code docs/decisions/0007-fast-sums-by-openblas.md} gives the reasons for these candidates.
 */
public final class FastKernels {

    private static final Logger log = LoggerFactory.getLogger(FastKernels.class);

    private FastKernels() {}

    /** Creates kernels for one thread. */
    public static Kernels choose() {
        return Choice.KERNELS.get();
    }

    private static final class Choice {
        static final Supplier<Kernels> KERNELS = decide();
    }

    private static Supplier<Kernels> decide() {
        try {
            if (sumsRightly(new OpenBlasKernels())) {
                log.debug("Vectors are summed by OpenBLAS");
                return OpenBlasKernels::new;
            }
            log.warn("Vectors are summed by Java arrays, at up to half the speed: this OpenBLAS rounds in its own way");
        } catch (LinkageError e) {
            // A missing class or native library is not an error.
            log.info(
                    "Vectors are summed by Java arrays, at up to half the speed: there is no OpenBLAS ({})",
                    e.toString());
        }
        return ArrayKernels::new;
    }

    /**
     * A build that flushes subnormal numbers to zero, or has a defect, must not give other sums than the peers' builds.
     */
    static boolean sumsRightly(Kernels kernels) {
        float[] samples = {1, -1 / 3f, Float.MIN_VALUE, -Float.MIN_NORMAL, Float.MAX_VALUE, 1e-40f, -0f, 0x1.8p-126f};
        int count = 1000;
        ByteBuffer from = direct(count * Float.BYTES);
        ByteBuffer expected = direct(count * Float.BYTES);
        ByteBuffer actual = direct(count * Float.BYTES);
        for (int i = 0; i < count; i++) {
            from.putFloat(i * Float.BYTES, samples[i % samples.length]);
            expected.putFloat(i * Float.BYTES, samples[i / samples.length % samples.length]);
            actual.putFloat(i * Float.BYTES, samples[i / samples.length % samples.length]);
        }
        new ScalarKernels().reduce(ReduceOp.SUM, ElementType.FLOAT32, expected, 0, from, 0, count * Float.BYTES);
        kernels.reduce(ReduceOp.SUM, ElementType.FLOAT32, actual, 0, from, 0, count * Float.BYTES);
        return actual.equals(expected);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
