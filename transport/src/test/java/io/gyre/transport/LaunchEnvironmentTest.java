package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
                "GYRE_RANK=1 GYRE_WORLD_SIZE=4 GYRE_LOCAL_RANK=0 GYRE_RENDEZVOUS=h:5 | Gyre, 1 of 4, local 0 of -, at h:5",
                "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2 | Open MPI, 3 of 4, local 1 of 2, at -",
                "PMI_RANK=3 PMI_SIZE=4 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2 | MPICH, 3 of 4, local 1 of 2, at -",
                "PMI_RANK=0 PMI_SIZE=2 GYRE_RENDEZVOUS=h:5 | MPICH, 0 of 2, local - of -, at h:5",
                "SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=3 SLURM_LOCALID=0 SLURM_NODEID=1 SLURM_TASKS_PER_NODE=2,1 SLURM_STEP_NODELIST=n[1-2,5] | SLURM, 2 of 3, local 0 of 1, at n1:port",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_NODELIST=gpu[07-09] | SLURM, 0 of 2, local - of -, at gpu07:port",
                "JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 HOSTNAME=train-2 | Kubernetes, 2 of 4, local 0 of 1, at train-0.train:29600",
                "JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 MASTER_ADDR=m | Kubernetes, 2 of 4, local 0 of 1, at m:29600",
                "JOB_COMPLETION_INDEX=2 WORLD_SIZE=4 HOSTNAME=other | Kubernetes, 2 of 4, local 0 of 1, at -",
                "JOBSET_NAME=s JOB_COMPLETION_INDEX=1 WORLD_SIZE=4 HOSTNAME=s-w-0-1 | JobSet, 1 of 4, local 0 of 1, at s-w-0-0.s:29600",
                "JOBSET_NAME=s JOB_COMPLETION_INDEX=1 JOB_INDEX=1 JOBSET_REPLICAS=2 WORLD_SIZE=4 HOSTNAME=s-w-1-1 | JobSet, 3 of 4, local 0 of 1, at s-w-0-0.s:29600",
                "JOBSET_NAME=s JOB_COMPLETION_INDEX=1 WORLD_SIZE=4 MASTER_ADDR=s-w-0-0.s | JobSet, 1 of 4, local 0 of 1, at s-w-0-0.s:29600",
                "PET_NODE_RANK=1 PET_NNODES=2 PET_NPROC_PER_NODE=auto PET_MASTER_ADDR=m PET_MASTER_PORT=29500 | Kubeflow Trainer, 1 of 2, local 0 of 1, at m:29500",
                "RANK=1 WORLD_SIZE=2 MASTER_ADDR=10.0.0.1 MASTER_PORT=29400 | PyTorchJob, 1 of 2, local - of -, at 10.0.0.1:29400",
                "RANK=1 WORLD_SIZE=2 MASTER_ADDR=fd00::1 | PyTorchJob, 1 of 2, local - of -, at [fd00::1]:29600",
                "TORCHELASTIC_RUN_ID=x RANK=3 WORLD_SIZE=4 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=m MASTER_PORT=29500 | torchrun, 3 of 4, local 1 of 2, at m:29501",
                "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 GYRE_RENDEZVOUS=/shared/run | Open MPI, 3 of 4, local - of -, at /shared/run",
                "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 SLURM_JOB_ID=7 SLURM_JOB_NODELIST=n[4-5] | Open MPI, 3 of 4, local - of -, at n4:port",
                "RANK=1 WORLD_SIZE=2 | PyTorchJob, 1 of 2, local - of -, at -",
            })
    void launchersAreKnownByTheirVariables(String environment, String expected) {
        LaunchEnvironment found =
                LaunchEnvironment.detect(variables(environment)).orElseThrow();

        assertThat(words(found)).isEqualTo(expected);
    }

    /** A port that follows from the number of a job is written as such. */
    private static String words(LaunchEnvironment found) {
        return found.launcher() + ", " + found.rank() + " of " + found.size() + ", local " + word(found.localRank())
                + " of " + word(found.localSize()) + ", at "
                + found.rendezvous()
                        .map(place -> place.replaceFirst(":2[0-8]\\d{3}$", ":port"))
                        .orElse("-");
    }

    private static String word(OptionalInt number) {
        return number.isPresent() ? String.valueOf(number.getAsInt()) : "-";
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "SLURM_STEP_ID=1 SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_NODEID=0 SLURM_TASKS_PER_NODE=2",
                "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_SIZE=2 PMIX_NAMESPACE=prterun-h-1@1",
                "TORCHELASTIC_RUN_ID=x RANK=0 WORLD_SIZE=2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=h MASTER_PORT=29500",
            })
    void ranksOfOneHostMeetInSharedMemoryEachJobForItself(String environment) {
        LaunchEnvironment found =
                LaunchEnvironment.detect(variables(environment)).orElseThrow();
        String other = found.rendezvous().orElseThrow();

        assertThat(found.isOneHost()).isTrue();
        assertThat(other).startsWith(RunDirectory.sharedMemory() + "/gyre-").doesNotContain("@");
        assertThat(found.why()).contains("in shared memory, as all are on this host");
        for (String change : new String[] {"SLURM_STEP_ID=2", "PMIX_NAMESPACE=2", "MASTER_PORT=29501"}) {
            if (environment.contains(change.substring(0, change.indexOf('=') + 1))) {
                assertThat(LaunchEnvironment.detect(variables(environment + " " + change))
                                .flatMap(LaunchEnvironment::rendezvous))
                        .isPresent()
                        .get()
                        .isNotEqualTo(other);
            }
        }
        assertThat(LaunchEnvironment.detect(variables(environment + " GYRE_RENDEZVOUS=h:5"))
                        .flatMap(LaunchEnvironment::rendezvous))
                .contains("h:5");
    }

    @Test
    void jobsOfOneAllocationHavePortsOfTheirOwn() {
        String step = "SLURM_STEP_ID=1 SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_STEP_NODELIST=n[1-2]";

        Optional<String> first = LaunchEnvironment.detect(variables(step)).flatMap(LaunchEnvironment::rendezvous);
        assertThat(LaunchEnvironment.detect(variables(step + " SLURM_PROCID=1")).flatMap(LaunchEnvironment::rendezvous))
                .isEqualTo(first);
        assertThat(LaunchEnvironment.detect(variables(step + " SLURM_STEP_ID=2"))
                        .flatMap(LaunchEnvironment::rendezvous))
                .isNotEqualTo(first);
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
                "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 TORCHELASTIC_RUN_ID=x RANK=1 WORLD_SIZE=4 | torchrun",
                "PET_NODE_RANK=0 PET_NNODES=2 RANK=1 WORLD_SIZE=2 | Kubeflow Trainer",
            })
    void theInnermostLauncherWins(String environment, String launcher) {
        assertThat(LaunchEnvironment.detect(variables(environment)))
                .map(LaunchEnvironment::launcher)
                .contains(launcher);
    }

    @Test
    void whichOneWinsAndWhyIsSaid() {
        assertThat(
                        LaunchEnvironment.detect(
                                variables(
                                        "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 GYRE_RENDEZVOUS=h:5"
                                                + " SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=2 JOB_COMPLETION_INDEX=0 WORLD_SIZE=2")))
                .get()
                .hasToString("rank 1 of 4, started by Open MPI inside SLURM inside Kubernetes (OMPI_COMM_WORLD_RANK);"
                        + " the ranks meet at h:5, by GYRE_RENDEZVOUS");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "PATH=/bin",
        "GYRE_RANK=",
        "SLURM_JOB_ID=7 SLURM_PROCID=0 SLURM_NTASKS=4",
        "GYRE_RENDEZVOUS=h:5",
    })
    void aProgramThatNobodyLaunchedIsNone(String environment) {
        assertThat(LaunchEnvironment.detect(variables(environment))).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "GYRE_RANK=1 | GYRE_RANK=1 is set, but not GYRE_WORLD_SIZE",
                "GYRE_WORLD_SIZE=2 | GYRE_WORLD_SIZE=2 is set, but not GYRE_RANK",
                "PMI_RANK=1 | PMI_RANK=1 is set, but not PMI_SIZE: these are variables of MPICH, which sets both",
                "PMI_SIZE=4 | PMI_SIZE=4 is set, but not PMI_RANK",
                "OMPI_COMM_WORLD_SIZE=4 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=2 | OMPI_COMM_WORLD_SIZE=4 is set, but not OMPI_COMM_WORLD_RANK",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 | SLURM_PROCID=0 is set, but not SLURM_NTASKS",
                "TORCHELASTIC_RUN_ID=x WORLD_SIZE=2 | WORLD_SIZE=2 is set, but not RANK: these are variables of torchrun",
                "PET_NNODES=2 | PET_NNODES=2 is set, but not PET_NODE_RANK",
                "WORLD_SIZE=4 | WORLD_SIZE=4 is set, but not RANK",
                "WORLD_SIZE=4 | the rank comes with completionMode: Indexed",
                "RANK=0 | RANK=0 is set, but not WORLD_SIZE",
                "GYRE_RANK=0 GYRE_WORLD_SIZE=4 SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_NTASKS=4 | GYRE_RANK=0, but SLURM_PROCID=2: SLURM has started this process as another of 4 ranks",
                "RANK=one WORLD_SIZE=2 | environment variable RANK = 'one' is not a whole number",
                "RANK=-1 WORLD_SIZE=2 | PyTorchJob says that this is rank -1 of 2, which cannot be",
                "RANK=2 WORLD_SIZE=2 | PyTorchJob says that this is rank 2 of 2, which cannot be",
                "RANK=0 WORLD_SIZE=0 | PyTorchJob says that this is rank 0 of 0, which cannot be",
                "GYRE_RANK=0 GYRE_WORLD_SIZE=2 GYRE_LOCAL_SIZE=3 | rank 0 of 2, and one of 3 on this host, which cannot be",
                "GYRE_RANK=0 GYRE_WORLD_SIZE=2 GYRE_LOCAL_SIZE=1 GYRE_LOCAL_RANK=1 | and rank 1 of 1 on this host",
                "JOB_COMPLETION_INDEX=1 | JOB_COMPLETION_INDEX=1 is set, but not WORLD_SIZE: set it in the manifest",
                "JOBSET_NAME=s JOB_COMPLETION_INDEX=1 WORLD_SIZE=3 JOBSET_REPLICAS=2 | WORLD_SIZE=3 pods cannot be in JOBSET_REPLICAS=2 equal jobs",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_NODEID=0 SLURM_TASKS_PER_NODE=x | SLURM_TASKS_PER_NODE = 'x': expected counts such as",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_NODEID=3 SLURM_TASKS_PER_NODE=1(x2),2 | has no node 3",
                "PET_NODE_RANK=0 PET_NNODES=2 PET_NPROC_PER_NODE=4 | use one process per node",
                "SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_STEP_NODELIST=n[1 | host list \"n[1\"",
            })
    void whatMakesNoSenseIsNamed(String environment, String message) {
        assertThatThrownBy(() -> LaunchEnvironment.detect(variables(environment)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void whereNoneIsFoundTheErrorListsWhatWasLookedFor() {
        assertThatThrownBy(() -> LaunchEnvironment.require(variables("SLURM_JOB_ID=7 SLURM_PROCID=0")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(
                        "no launcher has started this process as a rank",
                        "GYRE_RANK (Gyre), RANK with TORCHELASTIC_RUN_ID (torchrun), OMPI_COMM_WORLD_RANK (Open MPI),"
                                + " PMI_RANK (MPICH), SLURM_PROCID with SLURM_STEP_ID (SLURM), JOB_COMPLETION_INDEX"
                                + " with JOBSET_NAME (JobSet), JOB_COMPLETION_INDEX (Kubernetes), PET_NODE_RANK"
                                + " (Kubeflow Trainer), RANK (PyTorchJob)",
                        "start the program in it by srun",
                        "set GYRE_RANK, GYRE_WORLD_SIZE and GYRE_RENDEZVOUS for every rank");
    }

    @Test
    void anUnknownLeaderIsAskedFor() {
        LaunchEnvironment found = LaunchEnvironment.detect(variables("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2"))
                .orElseThrow();

        assertThatThrownBy(() -> found.requireRendezvous())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Open MPI does not tell where the ranks meet: set GYRE_RENDEZVOUS");
    }
}
