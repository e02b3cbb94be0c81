package io.gyre.transport;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * The launcher of this process, and the rank it was given: read from the environment variables that launchers set.
 *
 * <p>The innermost launcher wins. For example, the ranks of an {@code mpirun} or a {@code torchrun} that SLURM started
 * still have SLURM's variables, which then number the hosts and not the ranks.
 *
 * @param launcher its name, for people
 * @param rank rank of this process
 * @param size number of ranks
 * @param localRank number among the ranks of this host, if the launcher tells
 * @param localSize number of ranks on this host, if the launcher tells
 * @param rendezvous where the ranks meet, {@code host:port} or the path of a file; empty if nobody has told it
 * @param why from which variables that is known, for people
 */
public record LaunchEnvironment(
        String launcher,
        int rank,
        int size,
        OptionalInt localRank,
        OptionalInt localSize,
        Optional<String> rendezvous,
        String why) {

    public LaunchEnvironment {
        if (size < 1 || rank < 0 || rank >= size) {
            throw new IllegalArgumentException(
                    launcher + " says that this is rank " + rank + " of " + size + ", which cannot be");
        }
        int most = localSize.orElse(size);
        if (most < 1 || most > size || localRank.orElse(0) < 0 || localRank.orElse(0) >= most) {
            throw new IllegalArgumentException(launcher + " says that this is rank " + rank + " of " + size + ", and "
                    + (localRank.isPresent() ? "rank " + localRank.getAsInt() + " of " : "one of ") + most
                    + " on this host, which cannot be");
        }
    }

    /**
     * Detects the launcher from its variables.
     *
     * @param variables the environment, as returned by {@link System#getenv()}
     * @return empty if no launcher started this process
     * @throws IllegalArgumentException if variables are missing, invalid, or contradict each other; names them, and
     *     says what to do
     */
    public static Optional<LaunchEnvironment> detect(Map<String, String> variables) {
        EnvironmentVariables has = new EnvironmentVariables(variables);
        for (KnownLauncher launcher : KnownLauncher.values()) {
            launcher.checkWhole(has);
            if (launcher.hasStarted(has)) {
                return Optional.of(read(launcher, has));
            }
        }
        return Optional.empty();
    }

    /**
     * Detects the launcher.
     *
     * @throws IllegalArgumentException as {@link #detect}; or if there is none, with what was looked for
     */
    static LaunchEnvironment require(Map<String, String> variables) {
        return detect(variables)
                .orElseThrow(() ->
                        new IllegalArgumentException(KnownLauncher.lookedFor(new EnvironmentVariables(variables))));
    }

    private static LaunchEnvironment read(KnownLauncher launcher, EnvironmentVariables has) {
        int rank = rank(launcher, has);
        int size = has.number(launcher.size(has));
        OptionalInt localSize = localSize(launcher, has);
        boolean oneHost = localSize.isPresent() && localSize.getAsInt() == size;
        List<KnownLauncher> around = Arrays.stream(KnownLauncher.values())
                .filter(other -> other.compareTo(launcher) > 0 && other.hasStarted(has))
                // Both read the same variables.
                .filter(other -> !other.rank().equals(launcher.rank()))
                .toList();
        if (launcher == KnownLauncher.GYRE) {
            around.forEach(other -> checkAgreement(rank, size, other, has));
        }
        LaunchPlace place = LaunchPlace.of(launcher, has, oneHost);
        String inside = around.isEmpty()
                ? ""
                : " inside " + around.stream().map(Object::toString).collect(Collectors.joining(" inside "));
        return new LaunchEnvironment(
                launcher.toString(),
                rank,
                size,
                localRank(launcher, has),
                localSize,
                place.place(),
                "started by " + launcher + inside + " (" + launcher.rank() + ")"
                        + place.place()
                                .map(where -> "; the ranks meet at " + where + ", " + place.why())
                                .orElse(""));
    }

    /** With equal numbers of ranks these are the same ranks, not those of a launcher inside the other. */
    private static void checkAgreement(int rank, int size, KnownLauncher other, EnvironmentVariables has) {
        int otherRank = has.number(other.rank());
        if (size > 1 && size == has.number(other.size(has)) && rank != otherRank) {
            throw new IllegalArgumentException(GyreVariable.RANK + "=" + rank + ", but " + other.rank() + "="
                    + otherRank + ": " + other + " has started this process as another of " + size
                    + " ranks. Remove " + GyreVariable.RANK + " and " + GyreVariable.WORLD_SIZE
                    + " from the environment, or set both for each rank");
        }
    }

    private static int rank(KnownLauncher launcher, EnvironmentVariables has) {
        int rank = has.number(launcher.rank());
        if (launcher != KnownLauncher.JOB_SET) {
            return rank;
        }
        int jobs = has.optionalNumber("JOBSET_REPLICAS").orElse(1);
        int size = has.number(launcher.size(has));
        if (jobs < 1 || size % jobs != 0) {
            throw new IllegalArgumentException("WORLD_SIZE=" + size + " pods cannot be in JOBSET_REPLICAS=" + jobs
                    + " equal jobs: set WORLD_SIZE to the sum of their completions");
        }
        return has.optionalNumber("JOB_INDEX").orElse(0) * (size / jobs) + rank;
    }

    private static OptionalInt localRank(KnownLauncher launcher, EnvironmentVariables has) {
        return switch (launcher) {
            case GYRE -> has.optionalNumber(GyreVariable.LOCAL_RANK.key());
            case TORCHRUN, PYTORCH_JOB -> has.optionalNumber("LOCAL_RANK");
            case OPEN_MPI -> has.optionalNumber("OMPI_COMM_WORLD_LOCAL_RANK");
            case MPICH -> has.optionalNumber("MPI_LOCALRANKID");
            case SLURM -> has.optionalNumber("SLURM_LOCALID");
            case JOB_SET, KUBERNETES, KUBEFLOW -> OptionalInt.of(0);
        };
    }

    private static OptionalInt localSize(KnownLauncher launcher, EnvironmentVariables has) {
        return switch (launcher) {
            case GYRE -> has.optionalNumber(GyreVariable.LOCAL_SIZE.key());
            case TORCHRUN, PYTORCH_JOB -> has.optionalNumber("LOCAL_WORLD_SIZE");
            case OPEN_MPI -> has.optionalNumber("OMPI_COMM_WORLD_LOCAL_SIZE");
            case MPICH -> has.optionalNumber("MPI_LOCALNRANKS");
            case SLURM -> SlurmTasks.onThisNode(has);
            case KUBEFLOW -> onePerNode(has);
            case JOB_SET, KUBERNETES -> OptionalInt.of(1);
        };
    }

    private static OptionalInt onePerNode(EnvironmentVariables has) {
        String perNode = has.text("PET_NPROC_PER_NODE").orElse("1");
        if (perNode.matches("\\d+") && !perNode.equals("1")) {
            throw new IllegalArgumentException("a TrainJob with PET_NPROC_PER_NODE=" + perNode
                    + " tells no process its rank: use one process per node, or start the ranks of a node by gyre run");
        }
        return OptionalInt.of(1);
    }

    /** Whether the launcher says that all ranks are on this host. */
    public boolean isOneHost() {
        return localSize.isPresent() && localSize.getAsInt() == size;
    }

    /**
     * Where the ranks meet.
     *
     * @throws IllegalArgumentException if that is unknown; says what to set
     */
    public String requireRendezvous() {
        return rendezvous.orElseThrow(() -> new IllegalArgumentException(launcher
                + " does not tell where the ranks meet: set " + GyreVariable.RENDEZVOUS
                + " to host:port of rank 0, or to a file that all ranks see"));
    }

    /** Rank, launcher, and where the ranks meet, with the reasons, for a log. */
    @Override
    public String toString() {
        return "rank " + rank + " of " + size + ", " + why;
    }
}
