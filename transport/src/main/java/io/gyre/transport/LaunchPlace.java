package io.gyre.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where the ranks of a launcher meet. The user's setting comes first. Ranks that are all on one host meet through a
 * file in shared memory, named after the job: that needs neither a name nor a port.
 *
 * @param place {@code host:port} or the path of a file; empty if nobody has told it
 * @param why how it was chosen, for people
 */
record LaunchPlace(Optional<String> place, String why) {

    /** Where nobody else sets a port: every pod has ports of its own. */
    static final int DEFAULT_PORT = 29_600;

    /** Below those that Linux gives out by itself. */
    private static final int FIRST_PORT_OF_JOBS = 20_000;

    private static final int PORTS_OF_JOBS = 9_000;

    private static final LaunchPlace UNKNOWN = new LaunchPlace(Optional.empty(), "");

    /**
     * Finds it.
     *
     * @param oneHost whether the launcher says that all ranks are on this host
     */
    static LaunchPlace of(KnownLauncher launcher, EnvironmentVariables has, boolean oneHost) {
        Optional<String> given = has.text(GyreVariable.RENDEZVOUS.key());
        if (given.isPresent()) {
            return new LaunchPlace(given, "by " + GyreVariable.RENDEZVOUS);
        }
        Optional<String> job = job(launcher, has);
        if (oneHost && job.isPresent()) {
            return new LaunchPlace(
                    Optional.of(file(launcher, job.get()).toString()), "in shared memory, as all are on this host");
        }
        return switch (launcher) {
            case GYRE -> UNKNOWN;
            case TORCHRUN -> afterTorchrunsOwn(has);
            // Ranks are placed in the order of the allocation, unless the user asks for another.
            case OPEN_MPI, MPICH -> firstOf("SLURM_JOB_NODELIST", has, job.orElse(""));
            case SLURM -> {
                LaunchPlace ofStep = firstOf("SLURM_STEP_NODELIST", has, job.orElse(""));
                yield ofStep.place.isPresent() ? ofStep : firstOf("SLURM_JOB_NODELIST", has, job.orElse(""));
            }
            case JOB_SET, KUBERNETES -> {
                LaunchPlace told = address(has, "MASTER_ADDR", "MASTER_PORT");
                yield told.place.isPresent() ? told : firstPod(launcher, has);
            }
            case KUBEFLOW -> address(has, "PET_MASTER_ADDR", "PET_MASTER_PORT");
            case PYTORCH_JOB -> address(has, "MASTER_ADDR", "MASTER_PORT");
        };
    }

    /** What tells this job from others of the same user, equal on all its ranks; empty if the launcher has nothing. */
    private static Optional<String> job(KnownLauncher launcher, EnvironmentVariables has) {
        return switch (launcher) {
            case TORCHRUN ->
                has.text("MASTER_PORT")
                        .map(port -> has.text("TORCHELASTIC_RUN_ID").orElse("") + "." + port + "."
                                + has.text("TORCHELASTIC_RESTART_COUNT").orElse("0"));
            case OPEN_MPI -> has.text("PMIX_NAMESPACE").or(() -> has.text("OMPI_MCA_ess_base_jobid"));
            case MPICH -> ancestor("hydra_pmi_proxy");
            case SLURM ->
                has.text("SLURM_JOB_ID")
                        .map(job -> job + "." + has.text("SLURM_STEP_ID").orElse("") + "."
                                + has.text("SLURM_RESTART_COUNT").orElse("0"));
            case JOB_SET, KUBERNETES -> has.text("HOSTNAME");
            case GYRE, KUBEFLOW, PYTORCH_JOB -> Optional.empty();
        };
    }

    /** The process of that name that has started this one: Hydra names its jobs nowhere else. */
    private static Optional<String> ancestor(String name) {
        Optional<ProcessHandle> process = ProcessHandle.current().parent();
        while (process.isPresent() && !process.get().info().command().orElse("").endsWith("/" + name)) {
            process = process.get().parent();
        }
        return process.map(found -> found.pid() + "."
                + found.info().startInstant().map(start -> start.toEpochMilli()).orElse(0L));
    }

    /** In the user's directory in shared memory, which others cannot enter. */
    static Path file(KnownLauncher launcher, String job) {
        String name = launcher.name().toLowerCase(Locale.ROOT) + "-" + job;
        try {
            return new UserLock(RunDirectory.sharedMemory())
                    .home()
                    .resolve(RendezvousFile.IN_SHARED_MEMORY + name.replaceAll("[^A-Za-z0-9._-]", "_"));
        } catch (IOException e) {
            throw new UncheckedIOException("the directory for shared memory cannot be read: " + e.getMessage(), e);
        }
    }

    /** torchrun's own store listens on its port. */
    private static LaunchPlace afterTorchrunsOwn(EnvironmentVariables has) {
        int port = has.optionalNumber("MASTER_PORT").orElse(DEFAULT_PORT - 1) + 1;
        return has.text("MASTER_ADDR")
                .map(host -> at(host, port, "MASTER_ADDR, at the port after torchrun's own"))
                .orElse(UNKNOWN);
    }

    private static LaunchPlace address(EnvironmentVariables has, String host, String port) {
        OptionalInt number = has.optionalNumber(port);
        return has.text(host)
                .map(name -> at(name, number.orElse(DEFAULT_PORT), "by " + host))
                .orElse(UNKNOWN);
    }

    private static LaunchPlace firstOf(String variable, EnvironmentVariables has, String job) {
        int port = FIRST_PORT_OF_JOBS
                + Math.floorMod((has.text("SLURM_JOB_ID").orElse("") + "/" + job).hashCode(), PORTS_OF_JOBS);
        return has.text(variable)
                .map(HostList::expand)
                .map((List<String> hosts) -> at(
                        hosts.get(0),
                        port,
                        "on the first host of " + variable + ", at a port that follows from the job's number"))
                .orElse(UNKNOWN);
    }

    /**
     * Pods of an Indexed Job are named {@code job-index}, and are found by that name under the headless Service that
     * the Job's template sets as its subdomain. Gyre requires that this Service has the name of the Job. A JobSet makes
     * the Service itself, under its own name; its jobs are named {@code jobset-replicated-number}.
     */
    private static LaunchPlace firstPod(KnownLauncher launcher, EnvironmentVariables has) {
        String index = has.text("JOB_COMPLETION_INDEX").orElse("");
        String name = has.text("HOSTNAME").orElse("");
        if (!name.endsWith("-" + index)) {
            return UNKNOWN;
        }
        String job = name.substring(0, name.length() - index.length() - 1);
        if (launcher == KnownLauncher.KUBERNETES) {
            return at(job + "-0." + job, DEFAULT_PORT, "at pod 0 of the Job, by its name");
        }
        String first = job.replaceFirst("-\\d+$", "-0");
        return at(first + "-0." + has.text("JOBSET_NAME").orElse(""), DEFAULT_PORT, "at pod 0 of job 0, by its name");
    }

    private static LaunchPlace at(String host, int port, String why) {
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("the ranks were to meet " + why + ": there is no port " + port);
        }
        String name = host.indexOf(':') >= 0 && !host.startsWith("[") ? "[" + host + "]" : host;
        return new LaunchPlace(Optional.of(name + ":" + port), why);
    }
}
