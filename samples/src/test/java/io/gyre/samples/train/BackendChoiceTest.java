package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.launcher.CudaBackend;
import io.gyre.samples.train.TrainOptions.Backend;
import java.util.List;
import org.junit.jupiter.api.Test;

class BackendChoiceTest {

    private static CudaBackend notAsked() {
        throw new AssertionError("nobody had to look at GPUs");
    }

    private static CudaBackend none() {
        return new CudaBackend("no CUDA device was found: there is no driver", List.of());
    }

    private static CudaBackend two() {
        return new CudaBackend(null, List.of(0, 2));
    }

    @Test
    void theCpuIsTakenWithoutALookAtGpus() {
        BackendChoice choice = BackendChoice.of(Backend.CPU, true, BackendChoiceTest::notAsked);
        assertThat(choice.onCuda()).isFalse();
        assertThat(choice.note()).isNull();
        assertThat(choice.environment())
                .containsEntry("BACKEND_PRIORITY_CPU", "100")
                .containsEntry("GYRE_BACKEND", "cpu");
        assertThat(choice.devices(null)).isEmpty();
    }

    @Test
    void autoSaysWhyItIsTheCpu() {
        assertThat(BackendChoice.of(Backend.AUTO, false, BackendChoiceTest::notAsked)
                        .note())
                .isEqualTo("training on the CPU: ND4J CUDA is not on the class path (docs/gpu.md)");
        assertThat(BackendChoice.of(Backend.AUTO, true, BackendChoiceTest::none).note())
                .isEqualTo("training on the CPU: no CUDA device was found: there is no driver");
    }

    @Test
    void whoAsksForCudaIsNotGivenTheCpu() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BackendChoice.of(Backend.CUDA, false, BackendChoiceTest::none))
                .withMessage("--backend cuda: no CUDA device was found: there is no driver");
    }

    @Test
    void gpusKeepTheNamesThatTheyHaveOutside() {
        BackendChoice choice = BackendChoice.of(Backend.AUTO, true, BackendChoiceTest::two);
        assertThat(choice.onCuda()).isTrue();
        assertThat(choice.environment()).containsEntry("BACKEND_PRIORITY_GPU", "100");
        assertThat(choice.devices(null)).containsExactly("0", "2");
        assertThat(choice.devices("4, 5,GPU-7")).containsExactly("4", "GPU-7");
    }
}
