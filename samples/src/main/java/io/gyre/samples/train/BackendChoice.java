package io.gyre.samples.train;

import io.gyre.launcher.CudaBackend;
import io.gyre.transport.GyreVariable;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The backend of the ranks. Chosen before any of them starts, because ND4J chooses when it is first loaded, and only by
 * the class path.
 *
 * @param onCuda whether on GPUs; otherwise on the CPU
 * @param usable ordinals of the GPUs on which ND4J CUDA can run
 * @param note why it may not be what the user expects; null for none
 */
record BackendChoice(
        boolean onCuda, List<Integer> usable, @Nullable String note) {

    /** Read by ND4J: the highest priority wins. */
    private static final String CPU_PRIORITY = "BACKEND_PRIORITY_CPU";

    private static final String GPU_PRIORITY = "BACKEND_PRIORITY_GPU";

    private static final String ON_CUDA = "cuda";

    /** Whether this rank computes on a GPU. */
    static boolean isOnCuda(Map<String, String> environment) {
        return GyreVariable.BACKEND.text(environment).filter(ON_CUDA::equals).isPresent();
    }

    /**
     * Chooses.
     *
     * @param isCudaThere whether ND4J CUDA is on the class path
     * @param look checks the GPUs, which loads their driver; called only if needed
     * @throws IllegalArgumentException if CUDA was requested and is not available: there is no silent fallback
     */
    static BackendChoice of(TrainOptions.Backend asked, boolean isCudaThere, Supplier<CudaBackend> look) {
        if (asked == TrainOptions.Backend.CPU) {
            return new BackendChoice(false, List.of(), null);
        }
        if (asked == TrainOptions.Backend.AUTO && !isCudaThere) {
            return new BackendChoice(
                    false, List.of(), "training on the CPU: ND4J CUDA is not on the class path (docs/gpu.md)");
        }
        CudaBackend found = look.get();
        if (found.problem() == null) {
            return new BackendChoice(true, found.devices(), null);
        }
        if (asked == TrainOptions.Backend.CUDA) {
            throw new IllegalArgumentException("--backend cuda: " + found.problem());
        }
        return new BackendChoice(false, List.of(), "training on the CPU: " + Objects.requireNonNull(found.problem()));
    }

    /** Variables that set the choice for ND4J in each rank. */
    Map<String, String> environment() {
        return onCuda
                ? Map.of(GPU_PRIORITY, "100", CPU_PRIORITY, "0", GyreVariable.BACKEND.key(), ON_CUDA)
                : Map.of(GPU_PRIORITY, "0", CPU_PRIORITY, "100", GyreVariable.BACKEND.key(), "cpu");
    }

    /**
     * The GPUs as {@code CUDA_VISIBLE_DEVICES} names them.
     *
     * @param visible that variable of this process, to which the ordinals refer; null if it is not set
     */
    List<String> devices(@Nullable String visible) {
        List<String> names = visible == null ? List.of() : List.of(visible.split(",", -1));
        return usable.stream()
                .map(ordinal -> ordinal < names.size() ? names.get(ordinal).strip() : String.valueOf(ordinal))
                .toList();
    }
}
