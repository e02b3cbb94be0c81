package io.gyre.transport;

import io.gyre.signals.GracefulStop;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The environment variables of Gyre: which rank a process is, and how it joins and works. {@code gyre run} and
 * {@code gyre train} set them for each rank; a user, or another launcher, can set the same. {@link JoinOptions} and
 * {@link LaunchEnvironment} read them. A blank variable counts as unset.
 */
public enum GyreVariable {
    /** Rank of this process, from 0. */
    RANK("GYRE_RANK"),

    /** Number of ranks. */
    WORLD_SIZE("GYRE_WORLD_SIZE"),

    /**
     * Number of seats of a run whose processes may change; a process with it is given ranks by the launcher, and has no
     * {@link #RANK}.
     */
    SEATS("GYRE_SEATS"),

    /** With {@link #SEATS}: the group to which these belong, from 0, where each group is a run of its own. */
    GROUP("GYRE_GROUP"),

    /** With {@link #GROUP}: where the leads of the groups and the servers meet, {@code host:port}. */
    GROUPS_RENDEZVOUS("GYRE_GROUPS_RENDEZVOUS"),

    /** Number of groups and servers together, for the processes of groups that have seats, and for their servers. */
    GROUPS_SIZE("GYRE_GROUPS_SIZE"),

    /** Where the ranks meet: {@code host:port}, or the path of a file that all ranks see. */
    RENDEZVOUS("GYRE_RENDEZVOUS"),

    /** This rank's number among the ranks of its host. */
    LOCAL_RANK("GYRE_LOCAL_RANK"),

    /** Number of ranks on this host. */
    LOCAL_SIZE("GYRE_LOCAL_SIZE"),

    /** Word of a {@link TransportMode}, the same for all ranks. */
    TRANSPORT("GYRE_TRANSPORT"),

    /** Seconds for which the ranks wait for each other at the start. */
    JOIN_TIMEOUT("GYRE_JOIN_TIMEOUT"),

    /** Address of this host, or name of its network interface, to which its peers send. */
    BIND("GYRE_BIND"),

    /** Identity of this host: ranks with the same one share memory. */
    HOST_ID("GYRE_HOST_ID"),

    /** File with the secret that all ranks of the run share; made by {@code gyre secret}, set by the user. */
    SECRET_FILE("GYRE_SECRET_FILE"),

    /** File with the secret that the launcher has made for this run; set by the launcher. */
    TOKEN_FILE("GYRE_TOKEN_FILE"),

    /** {@code true} allows addresses other than loopback. */
    TRUSTED_NETWORK("GYRE_TRUSTED_NETWORK"),

    /** Where {@code gyre train} computes: {@code cpu} or {@code cuda}. */
    BACKEND("GYRE_BACKEND"),

    /** Number of ranks that share this rank's GPU. */
    RANKS_ON_DEVICE("GYRE_RANKS_ON_DEVICE"),

    /** File of the timeline of the first trainer that joins the run by itself; the same for all ranks. */
    TIMELINE("GYRE_TIMELINE"),

    /**
     * With {@link #SEATS}: directory in shared memory that outlives the processes of this host, for what the only one
     * with the run's state keeps of it; set by the launcher.
     */
    STATE_DIR("GYRE_STATE_DIR"),

    /** Directory in which the launcher keeps a run with seats, for the program's part in it; set by the launcher. */
    RUN_DIR("GYRE_RUN_DIR"),

    /** Seconds that a rank has to end after SIGTERM; if set, the launcher counts signals. */
    GRACE(GracefulStop.VARIABLE),

    /** How {@code bin/gyre} was called. */
    COMMAND("GYRE_COMMAND");

    private static final String PREFIX = "GYRE_";

    private final String key;

    GyreVariable(String key) {
        this.key = key;
    }

    /** Name of the variable. */
    public String key() {
        return key;
    }

    /** Whether a variable of that name is Gyre's; also for names that are not among these. */
    public static boolean isGyres(String key) {
        return key.startsWith(PREFIX);
    }

    /**
     * The value, without white space at its ends.
     *
     * @param environment as returned by {@link System#getenv()}
     */
    public Optional<String> text(Map<String, String> environment) {
        return new EnvironmentVariables(environment).text(key);
    }

    /**
     * The value, as a whole number.
     *
     * @throws IllegalArgumentException if it is none, with the variable
     */
    public OptionalInt number(Map<String, String> environment) {
        return new EnvironmentVariables(environment).optionalNumber(key);
    }

    /**
     * The value, as {@code true} or {@code false}.
     *
     * @throws IllegalArgumentException if it is neither, with the variable
     */
    public Optional<Boolean> flag(Map<String, String> environment) {
        return new EnvironmentVariables(environment).optionalFlag(key);
    }

    /** Whether this process was started as a rank, by Gyre's launcher or with its variables. */
    public static boolean isRank(Map<String, String> environment) {
        return RANK.text(environment).isPresent();
    }

    /** Whether this process was started as one of a run with seats: see {@link AeronSeats}. */
    public static boolean hasSeats(Map<String, String> environment) {
        return SEATS.text(environment).isPresent();
    }

    /** Sets the variable for a process to be started. */
    public void put(Map<String, String> environment, Object value) {
        environment.put(key, String.valueOf(value));
    }

    /** Its name, for messages. */
    @Override
    public String toString() {
        return key;
    }
}
