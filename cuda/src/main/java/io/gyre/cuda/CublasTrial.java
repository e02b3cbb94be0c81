package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.cuda.ChosenKernels.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Tests whether cuBLAS is worth using on a device. */
final class CublasTrial {

    /** Decides about an operation with correct results. */
    interface Judge {
        /** Length from which it is used; {@link ChosenKernels#NEVER} for never. */
        long from(KernelRace race, Operation operation, ElementType type);
    }

    private CublasTrial() {}

    /**
     * Tests every operation, and enables it where it should be used.
     *
     * @return what was chosen and why
     */
    static String run(
            CudaDevice device, CudaKernels own, ChosenKernels kernels, Cublas cublas, Judge judge, long... lengths) {
        List<String> answers = new ArrayList<>();
        ChosenKernels other = ChosenKernels.always(own, cublas);
        try (KernelRace race = new KernelRace(device, own, other, lengths)) {
            for (Operation operation : Operation.values()) {
                for (ElementType type : ElementType.values()) {
                    boolean same = race.sameBits(operation, type);
                    long from = same ? judge.from(race, operation, type) : ChosenKernels.NEVER;
                    kernels.choose(cublas, operation, type, from);
                    answers.add((operation + " of " + type).toLowerCase(Locale.ROOT) + " "
                            + (!same
                                    ? "no, its results are other bits"
                                    : from == ChosenKernels.NEVER
                                            ? "no, it is not faster"
                                            : "from " + from + " elements"));
                }
            }
        }
        return "cuBLAS " + cublas.version() + " is used on " + device.info() + " for: " + String.join("; ", answers);
    }
}
