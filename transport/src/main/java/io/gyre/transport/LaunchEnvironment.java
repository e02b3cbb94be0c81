package io.gyre.transport;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Who started this process, and as which rank: read from the environment variables that launchers set.
 *
 * <p>The innermost launcher wins. SLURM's variables, for one, are still there in the ranks of an {@code mpirun} or a
 * {@code torchrun} that SLURM started, and then number the hosts and not the ranks.
 *
 * @param launcher who that was, for people
 * @param rank rank of this process
 * @param size number of ranks
 * @param localRank number among the ranks of this host, if the launcher tells
 * @param leader where the ranks meet: {@code host} or {@code host:port} of rank 0 if the launcher tells, or what the user has
 *     set as GYRE_RENDEZVOUS
 */
public record LaunchEnvironment(String launcher, int rank, int size, OptionalInt localRank, Optional<String> leader) {

    /** What to do, where a command is a rank if it is told so. */
    public static final String BY_VARIABLES =
            "Or make each process one rank by GYRE_RANK, GYRE_WORLD_SIZE and GYRE_RENDEZVOUS";

    public LaunchEnvironment {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    launcher + " says that this is rank " + rank + " of " + size + ", which cannot be");
        }
    }

    /**
     * Looks for a launcher's traces.
     *
     * @param variables the environment, as {@link System#getenv()} gives it
     * @return empty if no launcher started this process
     * @throws IllegalArgumentException if the traces are incomplete or make no sense; it names the variable and what to do
     */
    public static Optional<LaunchEnvironment> detect(Map<String, String> variables) {
        EnvironmentVariables has = new EnvironmentVariables(variables);
        if (has.all("GYRE_RANK")) {
            return Optional.of(gyre(has));
        }
        if (has.all("OMPI_COMM_WORLD_RANK")) {
            return Optional.of(openMpi(has));
        }
        if (has.all("TORCHELASTIC_RUN_ID", "RANK")) {
            // Its own store listens at MASTER_PORT.
            return Optional.of(torchrun(has, rendezvous(has).or(() -> has.text("MASTER_ADDR"))));
        }
        if (has.all("PMI_RANK", "PMI_SIZE") && !isPmiOfSlurm(has)) {
            return Optional.of(mpich(has));
        }
        // A batch script that was not started by srun has all of SLURM's variables but this one, and is not a rank.
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
     * Fails if a launcher has started several of this process, and each would start ranks: as many runs, none of which
     * knows of another.
     *
     * @param variables the environment, as {@link System#getenv()} gives it
     * @param command what starts all ranks itself, for people
     * @param instead what can be started in its place
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
     * Begins the options by which this process joins its run.
     *
     * @param port of the rendezvous on the leader's host, where the launcher names no port
     * @throws IllegalArgumentException if nobody tells where the ranks meet; it says what to set
     */
    public JoinOptions.Builder joinOptions(int port) {
        String place = leader.orElseThrow(() -> new IllegalArgumentException(launcher
                + " does not tell where the ranks meet: set GYRE_RENDEZVOUS to host:port of rank 0, or to a file"
                + " that all ranks see"));
        boolean complete = place.contains(":") || place.contains("/");
        return JoinOptions.builder(rank, size, complete ? place : place + ":" + port);
    }

    private static LaunchEnvironment gyre(EnvironmentVariables has) {
        return new LaunchEnvironment(
                "Gyre",
                has.number("GYRE_RANK"),
                has.number("GYRE_WORLD_SIZE"),
                has.optionalNumber("GYRE_LOCAL_RANK"),
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

    /** By Hydra, which is also the launcher of Intel MPI and MVAPICH. */
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
     * Pods of an Indexed Job are called {@code job-index}, and are found by that name under the headless Service that the Job's
     * template names as its subdomain; we ask for a Service of the Job's own name.
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

    /** What the user says goes before what a launcher says. */
    private static Optional<String> rendezvous(EnvironmentVariables has) {
        return has.text("GYRE_RENDEZVOUS");
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

    /** {@code srun --mpi=pmi2} sets both kinds alike; under Hydra SLURM's count the hosts. */
    private static boolean isPmiOfSlurm(EnvironmentVariables has) {
        return has.all("SLURM_STEP_ID")
                && has.text("PMI_RANK").equals(has.text("SLURM_PROCID"))
                && has.text("PMI_SIZE").equals(has.text(slurmSize(has)));
    }
}
