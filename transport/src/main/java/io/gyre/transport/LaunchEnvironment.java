package io.gyre.transport;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The launcher of this process, and the rank it was given: read from the environment variables that launchers set.
 *
 * <p>The innermost launcher wins. For example, the ranks of an {@code mpirun} or a {@code torchrun} that SLURM started
 * still have SLURM's variables, which then number the hosts and not the ranks.
 *
 * @param launcher its name, for people
 * @param rank rank of this process
 * @param size number of ranks
 * @param localRank number among the ranks of this host, if the launcher sets it
 * @param leader where the ranks meet: {@code host} or {@code host:port} of rank 0 if the launcher sets it, or the value
 *     of {@link GyreVariable#RENDEZVOUS} if the user does
 */
public record LaunchEnvironment(String launcher, int rank, int size, OptionalInt localRank, Optional<String> leader) {

    /** Advice for commands that can be a single rank. */
    public static final String BY_VARIABLES = "Or make each process one rank by " + GyreVariable.RANK + ", "
            + GyreVariable.WORLD_SIZE + " and " + GyreVariable.RENDEZVOUS;

    public LaunchEnvironment {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    launcher + " says that this is rank " + rank + " of " + size + ", which cannot be");
        }
    }

    /**
     * Detects the launcher from its variables.
     *
     * @param variables the environment, as returned by {@link System#getenv()}
     * @return empty if no launcher started this process
     * @throws IllegalArgumentException if variables are missing or invalid; names the variable and what to do
     */
    public static Optional<LaunchEnvironment> detect(Map<String, String> variables) {
        EnvironmentVariables has = new EnvironmentVariables(variables);
        if (GyreVariable.isRank(variables)) {
            return Optional.of(gyre(has));
        }
        if (has.all("OMPI_COMM_WORLD_RANK")) {
            return Optional.of(openMpi(has));
        }
        if (has.all("TORCHELASTIC_RUN_ID", "RANK")) {
            // torchrun's own store listens on MASTER_PORT.
            return Optional.of(torchrun(has, rendezvous(has).or(() -> has.text("MASTER_ADDR"))));
        }
        if (has.all("PMI_RANK", "PMI_SIZE") && !isPmiOfSlurm(has)) {
            return Optional.of(mpich(has));
        }
        // A batch script that was not started by srun has all of SLURM's variables except this one, and is not a rank.
        if (has.all("SLURM_STEP_ID", "SLURM_PROCID")) {
            return Optional.of(slurm(has));
        }
        if (has.all("JOB_COMPLETION_INDEX")) {
            return Optional.of(kubernetes(has));
        }
        if (has.all("PET_NODE_RANK", "PET_NNODES")) {
            return Optional.of(trainJob(has));
        }
        if (has.all("RANK", "WORLD_SIZE")) {
            return Optional.of(torchrun(has, master(has)));
        }
        return Optional.empty();
    }

    /**
     * Fails if a launcher has started several copies of a process that starts all ranks itself: each copy would start a
     * separate run.
     *
     * @param variables the environment, as returned by {@link System#getenv()}
     * @param command name of the program that starts all ranks, for people
     * @param instead what to start instead
     * @throws IllegalArgumentException with the launcher, the rank, and what to do
     */
    public static void checkStartedOnce(Map<String, String> variables, String command, String instead) {
        detect(variables).filter(found -> found.size() > 1).ifPresent(found -> {
            throw new IllegalArgumentException(
                    found.launcher() + " has started this process as rank " + found.rank() + " of " + found.size()
                            + ", and " + command + " starts all ranks itself: start it once. " + instead);
        });
    }

    /**
     * Creates a builder for the options with which this process joins its run.
     *
     * @param port of the rendezvous on the leader's host, used if the launcher sets no port
     * @throws IllegalArgumentException if it is unknown where the ranks meet; says what to set
     */
    public JoinOptions.Builder joinOptions(int port) {
        String place = leader.orElseThrow(() -> new IllegalArgumentException(launcher
                + " does not tell where the ranks meet: set " + GyreVariable.RENDEZVOUS
                + " to host:port of rank 0, or to a file that all ranks see"));
        boolean complete = place.contains(":") || place.contains("/");
        return JoinOptions.builder(rank, size, complete ? place : place + ":" + port);
    }

    private static LaunchEnvironment gyre(EnvironmentVariables has) {
        return new LaunchEnvironment(
                "Gyre",
                has.number(GyreVariable.RANK),
                has.number(GyreVariable.WORLD_SIZE),
                GyreVariable.LOCAL_RANK.number(has.values()),
                rendezvous(has));
    }

    private static LaunchEnvironment openMpi(EnvironmentVariables has) {
        return new LaunchEnvironment(
                "Open MPI",
                has.number("OMPI_COMM_WORLD_RANK"),
                has.number("OMPI_COMM_WORLD_SIZE"),
                has.optionalNumber("OMPI_COMM_WORLD_LOCAL_RANK"),
                rendezvous(has));
    }

    /** Variables of Hydra, which is also the launcher of Intel MPI and MVAPICH. */
    private static LaunchEnvironment mpich(EnvironmentVariables has) {
        return new LaunchEnvironment(
                "MPICH",
                has.number("PMI_RANK"),
                has.number("PMI_SIZE"),
                has.optionalNumber("MPI_LOCALRANKID"),
                rendezvous(has));
    }

    private static LaunchEnvironment slurm(EnvironmentVariables has) {
        Optional<String> hosts = has.text("SLURM_STEP_NODELIST").or(() -> has.text("SLURM_JOB_NODELIST"));
        return new LaunchEnvironment(
                "SLURM",
                has.number("SLURM_PROCID"),
                has.number(slurmSize(has)),
                has.optionalNumber("SLURM_LOCALID"),
                rendezvous(has).or(() -> hosts.map(list -> HostList.expand(list).get(0))));
    }

    private static LaunchEnvironment kubernetes(EnvironmentVariables has) {
        int index = has.number("JOB_COMPLETION_INDEX");
        if (!has.all("WORLD_SIZE")) {
            throw new IllegalArgumentException("Kubernetes gave this pod an index (JOB_COMPLETION_INDEX=" + index
                    + ") but not the number of pods: set WORLD_SIZE in the manifest to the Job's completions");
        }
        return new LaunchEnvironment(
                "Kubernetes",
                index,
                has.number("WORLD_SIZE"),
                OptionalInt.empty(),
                master(has).or(() -> has.text("HOSTNAME").flatMap(name -> firstPod(name, index))));
    }

    /**
     * Pods of an Indexed Job are named {@code job-index}, and are found by that name under the headless Service that
     * the Job's template sets as its subdomain. Gyre requires that this Service has the name of the Job.
     */
    private static Optional<String> firstPod(String ownName, int ownIndex) {
        String ending = "-" + ownIndex;
        if (!ownName.endsWith(ending)) {
            return Optional.empty();
        }
        String job = ownName.substring(0, ownName.length() - ending.length());
        return Optional.of(job + "-0." + job);
    }

    private static LaunchEnvironment trainJob(EnvironmentVariables has) {
        OptionalInt perNode = has.optionalNumber("PET_NPROC_PER_NODE");
        if (perNode.orElse(1) != 1) {
            throw new IllegalArgumentException("a TrainJob with PET_NPROC_PER_NODE=" + perNode.getAsInt()
                    + " tells no process its rank: use one process per node, or start the ranks of a node by gyre run");
        }
        return new LaunchEnvironment(
                "Kubeflow Trainer",
                has.number("PET_NODE_RANK"),
                has.number("PET_NNODES"),
                OptionalInt.empty(),
                rendezvous(has).or(() -> address(has, "PET_MASTER_ADDR", "PET_MASTER_PORT")));
    }

    private static LaunchEnvironment torchrun(EnvironmentVariables has, Optional<String> leader) {
        return new LaunchEnvironment(
                "torchrun", has.number("RANK"), has.number("WORLD_SIZE"), has.optionalNumber("LOCAL_RANK"), leader);
    }

    /** The user's setting takes precedence over the launcher's. */
    private static Optional<String> rendezvous(EnvironmentVariables has) {
        return GyreVariable.RENDEZVOUS.text(has.values());
    }

    private static Optional<String> master(EnvironmentVariables has) {
        return rendezvous(has).or(() -> address(has, "MASTER_ADDR", "MASTER_PORT"));
    }

    private static Optional<String> address(EnvironmentVariables has, String host, String port) {
        OptionalInt number = has.optionalNumber(port);
        return has.text(host).map(name -> number.isPresent() ? name + ":" + number.getAsInt() : name);
    }

    /** The step's own count, if there is one: a step may have fewer tasks than its job. */
    private static String slurmSize(EnvironmentVariables has) {
        return has.all("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
    }

    /** {@code srun --mpi=pmi2} sets both kinds of variables to equal values; under Hydra, SLURM's number the hosts. */
    private static boolean isPmiOfSlurm(EnvironmentVariables has) {
        return has.all("SLURM_STEP_ID")
                && has.text("PMI_RANK").equals(has.text("SLURM_PROCID"))
                && has.text("PMI_SIZE").equals(has.text(slurmSize(has)));
    }
}
