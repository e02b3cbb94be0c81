package io.gyre.transport;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The launchers whose variables Gyre reads, from the innermost to the outermost: where several have set theirs, the
 * first one has started this process, and the others have started that launcher.
 *
 * <p>A {@code torchrun} is started once per host, by any of the others. {@code mpirun} inside an allocation of SLURM
 * starts its helpers by {@code srun}, so that SLURM then counts hosts. In a pod, any of these may run.
 */
enum KnownLauncher {
    GYRE("Gyre", GyreVariable.RANK.key(), GyreVariable.WORLD_SIZE.key()),
    TORCHRUN("torchrun", "RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"),
    OPEN_MPI("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),

    /** Variables of Hydra, which is also the launcher of Intel MPI and MVAPICH. */
    MPICH("MPICH", "PMI_RANK", "PMI_SIZE"),

    /** A batch script that was not started by srun has all of SLURM's variables except that of a step. */
    SLURM("SLURM", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID"),
    JOB_SET("JobSet", "JOB_COMPLETION_INDEX", "WORLD_SIZE", "JOBSET_NAME"),
    KUBERNETES("Kubernetes", "JOB_COMPLETION_INDEX", "WORLD_SIZE"),
    KUBEFLOW("Kubeflow Trainer", "PET_NODE_RANK", "PET_NNODES"),
    PYTORCH_JOB("PyTorchJob", "RANK", "WORLD_SIZE");

    private final String title;
    private final String rank;
    private final String size;
    private final String mark;

    KnownLauncher(String title, String rank, String size) {
        this(title, rank, size, rank);
    }

    KnownLauncher(String title, String rank, String size, String mark) {
        this.title = title;
        this.rank = rank;
        this.size = size;
        this.mark = mark;
    }

    /** Name of the variable with the rank. */
    String rank() {
        return rank;
    }

    /** Its name, for people. */
    @Override
    public String toString() {
        return title;
    }

    /** Whether it has started this process: its variables are all there. */
    boolean hasStarted(EnvironmentVariables has) {
        return has.all(mark, rank, size(has)) && !isSlurms(has);
    }

    /**
     * Fails if some of its variables are there and some are missing, so that it is unknown which rank this is.
     *
     * @throws IllegalArgumentException with both, and what to do
     */
    void checkWhole(EnvironmentVariables has) {
        if (isSlurms(has) || has.all(rank) == has.all(size(has))) {
            return;
        }
        // Neither RANK nor WORLD_SIZE alone belongs to a launcher that has a mark of its own.
        boolean isOthers = has.all(rank) ? !has.all(mark) : !mark.equals(rank) && !has.all(mark);
        boolean isKubernetes = rank.equals(KUBERNETES.rank);
        if (isOthers || (isKubernetes && !has.all(rank))) {
            return;
        }
        String present = has.all(rank) ? rank : size(has);
        String text = present + "=" + has.text(present).orElse("") + " is set, but not "
                + (has.all(rank) ? size(has) : rank) + ": ";
        if (isKubernetes) {
            throw new IllegalArgumentException(
                    text + "set it in the manifest to the number of pods, which is the Job's completions");
        }
        throw new IllegalArgumentException(text + "these are variables of " + title + ", which sets both. "
                + (this == PYTORCH_JOB
                        ? "In a Job of Kubernetes, the rank comes with completionMode: Indexed. Elsewhere, set both"
                        : "Pass on all of its variables")
                + ", or remove this one");
    }

    /** The step's own count, if there is one: a step of SLURM may have fewer tasks than its job. */
    String size(EnvironmentVariables has) {
        return this == SLURM && !has.all(size) ? "SLURM_NTASKS" : size;
    }

    /** {@code srun --mpi=pmi2} sets both kinds of variables to equal values; under Hydra, SLURM's number the hosts. */
    private boolean isSlurms(EnvironmentVariables has) {
        return this == MPICH
                && has.all("SLURM_STEP_ID")
                && has.text(rank).equals(has.text(SLURM.rank))
                && has.text(size).equals(has.text(SLURM.size(has)));
    }

    /** What was looked for, and in vain. */
    static String lookedFor(EnvironmentVariables has) {
        String all = Arrays.stream(values())
                .map(one -> one.rank + (one.mark.equals(one.rank) ? "" : " with " + one.mark) + " (" + one + ")")
                .collect(Collectors.joining(", "));
        String hint = has.all("SLURM_JOB_ID")
                ? ". SLURM has started a batch script here, which is no rank: start the program in it by srun"
                : "";
        return "no launcher has started this process as a rank. Looked for the variables " + all + hint
                + ". Start it by one of these, such as gyre run, or set " + GyreVariable.RANK + ", "
                + GyreVariable.WORLD_SIZE + " and " + GyreVariable.RENDEZVOUS + " for every rank";
    }
}
