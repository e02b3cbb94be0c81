package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LaunchEnvironmentTest {

    /** {@code A=1 B=2}. */
    static Map<String, String> variables(String text) {
        Map<String, String> variables = new TreeMap<>();
        for (String word : text.strip().split(" +", -1)) {
            String[] parts = word.split("=", 2);
            variables.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        return variables;
    }

    @ParameterizedTest(name = "{1} from {0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "GYRE_RANK=1 GYRE_WORLD_SIZE=4 GYRE_LOCAL_RANK=0 GYRE_RENDEZVOUS=h:5 | Gyre, 1 of 4, local 0, leader h:5",
                "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 | Open MPI, 3 of 4, local 1, leader -",
                "PMI_RANK=3 PMI_SIZE=4 MPI_LOCALRANKID=1 | MPICH, 3 of 4, local 1, leader -",
                "PMI_RANK=0 PMI_SIZE=2 GYRE_RENDEZVOUS=h:5 | MPICH, 0 of 2, local -, leader h:5",
                "SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=3 SLURM_LOCALID=0 SLURM_STEP_NODELIST=n[1-2,5] | SLURM, 2 of 3, local 0, leader n1",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_NODELIST=gpu[07-09] | SLURM, 0 of 2, local -, leader gpu07",
                "JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 HOSTNAME=train-2 | Kubernetes, 2 of 4, local -, leader train-0.train",
                "JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 MASTER_ADDR=m | Kubernetes, 2 of 4, local -, leader m",
                "JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 HOSTNAME=other | Kubernetes, 2 of 4, local -, leader -",
                "PET_NODE_RANK=1 PET_NNODES=2 PET_MASTER_ADDR=m PET_MASTER_PORT=29500 | Kubeflow Trainer, 1 of 2, local -, leader m:29500",
                "RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 MASTER_ADDR=10.0.0.1 MASTER_PORT=29400 | torchrun, 1 of 2, local 1, leader 10.0.0.1:29400",
                "TORCHELASTIC_RUN_ID=x RANK=1 WORLD_SIZE=2 MASTER_ADDR=m MASTER_PORT=29500 | torchrun, 1 of 2, local -, leader m",
                "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 GYRE_RENDEZVOUS=/shared/run | Open MPI, 3 of 4, local -, leader /shared/run",
                "RANK=1 WORLD_SIZE=2 | torchrun, 1 of 2, local -, leader -",
            })
    void launchersAreKnownByTheirVariables(String environment, String expected) {
        LaunchEnvironment found =
                LaunchEnvironment.detect(variables(environment)).orElseThrow();

        assertThat(words(found)).isEqualTo(expected);
    }

    private static String words(LaunchEnvironment found) {
        String local =
                found.localRank().isPresent() ? String.valueOf(found.localRank().getAsInt()) : "-";
        return found.launcher() + ", " + found.rank() + " of " + found.size() + ", local " + local + ", leader "
                + found.leader().orElse("-");
    }

    @ParameterizedTest(name = "{1} from {0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "GYRE_RANK=0 GYRE_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 | Gyre",
                "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=2 | Open MPI",
                "TORCHELASTIC_RUN_ID=x RANK=1 WORLD_SIZE=4 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=2 | torchrun",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=2 RANK=1 WORLD_SIZE=4 | SLURM",
                "PMI_RANK=1 PMI_SIZE=4 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 | MPICH",
                "PMI_RANK=1 PMI_SIZE=4 SLURM_STEP_ID=0 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=4 SLURM_NTASKS=8 | SLURM",
                "PMI_RANK=0 PMI_SIZE=2 TORCHELASTIC_RUN_ID=x RANK=1 WORLD_SIZE=4 | torchrun",
            })
    void theInnermostLauncherWins(String environment, String launcher) {
        assertThat(LaunchEnvironment.detect(variables(environment)))
                .map(LaunchEnvironment::launcher)
                .contains(launcher);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "PATH=/bin",
        "GYRE_RANK=",
        "PMI_RANK=1",
        "PMI_SIZE=4",
        "SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=4",
        "WORLD_SIZE=4",
        "RANK=0"
    })
    void aProgramThatNobodyLaunchedIsNone(String environment) {
        assertThat(LaunchEnvironment.detect(variables(environment))).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "GYRE_RANK=1 | environment variable GYRE_WORLD_SIZE is not set",
                "RANK=one WORLD_SIZE=2 | environment variable RANK = 'one' is not a whole number",
                "RANK=-1 WORLD_SIZE=2 | torchrun says that this is rank -1 of 2, which cannot be",
                "RANK=2 WORLD_SIZE=2 | torchrun says that this is rank 2 of 2, which cannot be",
                "RANK=0 WORLD_SIZE=0 | torchrun says that this is rank 0 of 0, which cannot be",
                "JOB_COMPLETION_INDEX=1 | set WORLD_SIZE in the manifest to the Job's completions",
                "PET_NODE_RANK=0 PET_NNODES=2 PET_NPROC_PER_NODE=4 | use one process per node",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_STEP_NODELIST=n[1 | host list \"n[1\"",
            })
    void whatMakesNoSenseIsNamed(String environment, String message) {
        assertThatThrownBy(() -> LaunchEnvironment.detect(variables(environment)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void whatStartsAllRanksItselfIsStartedOnce() {
        LaunchEnvironment.checkStartedOnce(variables("PATH=/bin"), "gyre x", "");
        LaunchEnvironment.checkStartedOnce(variables("PMI_RANK=0 PMI_SIZE=1"), "gyre x", "");

        assertThatThrownBy(() ->
                        LaunchEnvironment.checkStartedOnce(variables("PMI_RANK=0 PMI_SIZE=3"), "gyre x", "Or do this"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("MPICH has started this process as rank 0 of 3, and gyre x starts all ranks itself:"
                        + " start it once. Or do this");
    }

    @ParameterizedTest(name = "{1} from {0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "RANK=1 WORLD_SIZE=2 MASTER_ADDR=m | m:4000",
                "RANK=1 WORLD_SIZE=2 MASTER_ADDR=m MASTER_PORT=5 | m:5",
                "RANK=1 WORLD_SIZE=2 GYRE_RENDEZVOUS=/shared/run | /shared/run",
            })
    void theLeaderIsWhereRanksMeet(String environment, String rendezvous) {
        JoinOptions options = LaunchEnvironment.detect(variables(environment))
                .orElseThrow()
                .joinOptions(4000)
                .build();

        assertThat(options.rank()).isEqualTo(1);
        assertThat(options.worldSize()).isEqualTo(2);
        assertThat(options.rendezvous()).isEqualTo(rendezvous);
    }

    @Test
    void anUnknownLeaderIsAskedFor() {
        LaunchEnvironment found = LaunchEnvironment.detect(variables("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2"))
                .orElseThrow();

        assertThatThrownBy(() -> found.joinOptions(4000))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Open MPI does not tell where the ranks meet: set GYRE_RENDEZVOUS");
    }
}
