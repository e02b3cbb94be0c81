package io.gyre.dl4j;

import java.util.function.Supplier;
import org.nd4j.linalg.exception.ND4JOpProfilerException;

/**
 * Carries a failure through Deeplearning4j's layer of batch normalisation, which takes any other exception of its
 * helper as a reason to compute without the helper.
 */
final class PassFailure extends ND4JOpProfilerException {

    private static final long serialVersionUID = 1L;

    private PassFailure(Throwable failure) {
        super(failure);
    }

    /** Runs a helper's code; what it throws arrives at {@link #unwrapped}. */
    static <T> T carry(Supplier<T> code) {
        try {
            return code.get();
        } catch (RuntimeException | Error e) {
            throw new PassFailure(e);
        }
    }

    /** Runs a pass; throws what the helper's code threw. */
    static <T> T unwrapped(Supplier<T> pass) {
        try {
            return pass.get();
        } catch (PassFailure e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        }
    }
}
