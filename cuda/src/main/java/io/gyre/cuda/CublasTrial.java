package io.gyre.cuda;

import io.gyre.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Tests whether cuBLAS is worth using on a device. */
final class CublasTrial {

    /** Decides about sums with correct results. */
    interface Judge {
        /** Length from which cuBLAS is used; {@link ChosenKernels#NEVER} for never. */
        long from(KernelRace race, ElementType type);
    }

    private CublasTrial() {}

    /**
     * Tests sums of both types, and enables cuBLAS where it should be used.
     *
     * @return what was chosen and why
     */
    static String run(
            CudaDevice device, CudaKernels kernels, CublasChoice choice, Cublas cublas, Judge judge, long... lengths) {
        List<String> answers = new ArrayList<>();
        CudaKernels own = kernels.with(new CublasChoice());
        CudaKernels other = kernels.with(CublasChoice.always(cublas));
        try (KernelRace race = new KernelRace(device, own, other, lengths)) {
            for (ElementType type : ElementType.values()) {
                boolean same = race.sameBits(type);
                long from = same ? judge.from(race, type) : CublasChoice.NEVER;
                choice.set(cublas, type, from);
                answers.add("sum of " + type.name().toLowerCase(Locale.ROOT) + " "
                        + (!same
                                ? "no, its results are other bits"
                                : from == CublasChoice.NEVER ? "no, it is not faster" : "from " + from + " elements"));
            }
        }
        return "cuBLAS " + cublas.version() + " is used on " + device.info() + " for: " + String.join("; ", answers);
    }
}
