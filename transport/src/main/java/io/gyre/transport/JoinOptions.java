package io.gyre.transport;

import io.gyre.OptionRange;
import io.gyre.World;
import io.gyre.network.Backoff;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What a rank needs to join a run. Immutable; created by a {@link #builder}, or from the environment of a launched
 * process by {@link #fromEnvironment()}.
 */
public final class JoinOptions {

    /** Long enough to start JVMs by hand on a loaded machine; short enough for a user to wait for the error. */
    static final Duration DEFAULT_JOIN_TIMEOUT = Duration.ofSeconds(60);

    /** Unreachable from other hosts. */
    static final String LOOPBACK = "127.0.0.1";

    /** Largest datagram that Aeron accepts. */
    static final int MAX_MTU = 65_504;

    private final int rank;
    private final int worldSize;
    private final String rendezvous;
    private final TransportMode transport;
    private final @Nullable String bind;
    private final @Nullable String hostId;
    private final int ranksOnHost;
    private final int mtu;
    private final @Nullable RunSecret secret;
    private final boolean trustedNetwork;
    private final Duration joinTimeout;
    private final Duration peerTimeout;
    private final Duration pause;
    private final @Nullable String origin;

    private JoinOptions(Builder builder) {
        this.rank = builder.rank;
        this.worldSize = builder.worldSize;
        this.rendezvous = builder.rendezvous;
        this.transport = builder.transport;
        this.bind = builder.bind;
        this.hostId = builder.hostId;
        this.ranksOnHost = builder.ranksOnHost > 0 ? builder.ranksOnHost : builder.worldSize;
        this.mtu = builder.mtu;
        this.secret = builder.secret;
        this.trustedNetwork = builder.trustedNetwork;
        this.joinTimeout = builder.joinTimeout;
        this.peerTimeout = builder.peerTimeout;
        this.pause = builder.pause;
        this.origin = builder.origin;
        if (rank != ANY_RANK || worldSize < 1) {
            new World(rank, worldSize);
        }
        if (mtu != 0 && (mtu < 256 || mtu > MAX_MTU || mtu % 32 != 0)) {
            throw new IllegalArgumentException(
                    "mtu " + mtu + " is not 0 (chosen by itself) or a multiple of 32 from 256 to " + MAX_MTU);
        }
        OptionRange.positive("joinTimeout", joinTimeout);
        OptionRange.positive("peerTimeout", peerTimeout);
        OptionRange.positive("pause", pause);
    }

    /** Requests any free rank. */
    public static final int ANY_RANK = -1;

    /**
     * Creates a builder with the defaults.
     *
     * @param rank rank of this process, from 0; {@link #ANY_RANK} if another process hosts the rendezvous
     * @param worldSize number of ranks
     * @param rendezvous where the ranks meet: {@code host:port}, or the path of a file in a directory that all ranks
     *     see, to which rank 0 writes the address. A text that ends in a colon and a number is an address.
     */
    public static Builder builder(int rank, int worldSize, String rendezvous) {
        return new Builder(rank, worldSize, rendezvous);
    }

    /**
     * Reads which rank this process is, and where the ranks meet, from the variables of the launcher that has started
     * it: {@code gyre run}, SLURM's {@code srun}, {@code mpirun} of Open MPI, Hydra's {@code mpiexec} (MPICH, Intel
     * MPI), torchrun, PyTorchJob, an Indexed Job of Kubernetes, JobSet or Kubeflow Trainer. Further settings come from
     * the {@linkplain GyreVariable variables of Gyre}: transport, address and identity of this host, number of its
     * ranks, join timeout, the files of the run's secret, and whether the network is trusted.
     *
     * @throws IllegalArgumentException naming the variable that is missing or invalid, or what was looked for if no
     *     launcher has started this process
     * @throws java.io.UncheckedIOException if the secret cannot be read
     */
    public static JoinOptions fromEnvironment() {
        return fromEnvironment(System.getenv());
    }

    /**
     * As {@link #fromEnvironment()}, for an environment that is not this process's own.
     *
     * @param environment as returned by {@link System#getenv()}
     */
    public static JoinOptions fromEnvironment(Map<String, String> environment) {
        return of(LaunchEnvironment.require(environment), environment);
    }

    /**
     * As {@link #fromEnvironment}, for a program that can also work alone.
     *
     * @return empty if no launcher has started this process
     */
    public static Optional<JoinOptions> ifLaunched() {
        Map<String, String> environment = System.getenv();
        return LaunchEnvironment.detect(environment).map(found -> of(found, environment));
    }

    /** The options of a process of a run with seats. */
    static JoinOptions ofSeats(int seats, Map<String, String> environment) {
        String rendezvous = GyreVariable.RENDEZVOUS
                .text(environment)
                .orElseThrow(() -> new IllegalArgumentException(GyreVariable.SEATS + " is set, and "
                        + GyreVariable.RENDEZVOUS + " is not: it is the address that the launcher has printed"));
        Builder builder = builder(ANY_RANK, seats, rendezvous);
        GyreVariable.LOCAL_SIZE.number(environment).ifPresent(builder::ranksOnHost);
        return with(environment, builder);
    }

    /** The options of a seat of this process in a generation. */
    JoinOptions toSeat(int seat, String place) {
        return toRank(seat, worldSize, place);
    }

    /** The options of a rank of another run, which this process joins as well. */
    JoinOptions toRank(int ofOther, int size, String place) {
        Builder builder = new Builder(ofOther, size, place);
        copyTo(builder);
        return builder.build();
    }

    private static JoinOptions of(LaunchEnvironment found, Map<String, String> environment) {
        Builder builder = builder(found.rank(), found.size(), found.requireRendezvous());
        builder.origin = found.launcher().equals(KnownLauncher.GYRE.toString()) ? null : found.why();
        found.localSize().ifPresent(builder::ranksOnHost);
        return with(environment, builder);
    }

    private static JoinOptions with(Map<String, String> environment, Builder builder) {
        GyreVariable.TRANSPORT.text(environment).map(JoinOptions::mode).ifPresent(builder::transport);
        GyreVariable.BIND.text(environment).ifPresent(builder::bind);
        GyreVariable.HOST_ID.text(environment).ifPresent(builder::hostId);
        RunSecret.fromEnvironment(environment).ifPresent(builder::secret);
        GyreVariable.TRUSTED_NETWORK.flag(environment).ifPresent(builder::trustedNetwork);
        joinTimeout(environment).ifPresent(builder::joinTimeout);
        return builder.build();
    }

    /**
     * How long the ranks wait for each other, as the environment says.
     *
     * @throws IllegalArgumentException if it is no positive number of seconds
     */
    public static Optional<Duration> joinTimeout(Map<String, String> environment) {
        OptionalInt seconds = GyreVariable.JOIN_TIMEOUT.number(environment);
        if (seconds.orElse(1) < 1) {
            throw new IllegalArgumentException("environment variable " + GyreVariable.JOIN_TIMEOUT + " = '"
                    + seconds.getAsInt() + "' is not a positive number of seconds");
        }
        return seconds.isEmpty() ? Optional.empty() : Optional.of(Duration.ofSeconds(seconds.getAsInt()));
    }

    private static TransportMode mode(String word) {
        try {
            return TransportMode.of(word);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "environment variable " + GyreVariable.TRANSPORT + ": " + e.getMessage(), e);
        }
    }

    /** A builder with the values of these options. */
    public Builder toBuilder() {
        Builder builder = new Builder(rank, worldSize, rendezvous);
        copyTo(builder);
        return builder;
    }

    private void copyTo(Builder builder) {
        builder.transport = transport;
        builder.bind = bind;
        builder.hostId = hostId;
        builder.ranksOnHost = ranksOnHost;
        builder.mtu = mtu;
        builder.secret = secret;
        builder.trustedNetwork = trustedNetwork;
        builder.joinTimeout = joinTimeout;
        builder.peerTimeout = peerTimeout;
        builder.pause = pause;
        builder.origin = origin;
    }

    /** This process's rank, or {@link #ANY_RANK}. */
    public int rank() {
        return rank;
    }

    /** Number of ranks. */
    public int worldSize() {
        return worldSize;
    }

    /** {@code host:port}, or the path of a file. */
    public String rendezvous() {
        return rendezvous;
    }

    /** Network among the ranks. */
    public TransportMode transport() {
        return transport;
    }

    /** This host's address, or its network interface, to which its peers send; null to choose it by the route. */
    public @Nullable String bind() {
        return bind;
    }

    /** Identity of this host; null to detect it. */
    public @Nullable String hostId() {
        return hostId;
    }

    /** Number of ranks that share this host's cores. */
    public int ranksOnHost() {
        return ranksOnHost;
    }

    /** Largest UDP datagram in bytes; 0 to choose it automatically. */
    public int mtu() {
        return mtu;
    }

    /** What the processes of the run prove to each other that they know; null if none was given. */
    public @Nullable RunSecret secret() {
        return secret;
    }

    /** Whether addresses other than loopback may be used without a secret. */
    public boolean trustedNetwork() {
        return trustedNetwork;
    }

    /** How long to wait for all ranks. */
    public Duration joinTimeout() {
        return joinTimeout;
    }

    /** How long to wait for a silent peer. */
    public Duration peerTimeout() {
        return peerTimeout;
    }

    /** How long a wait sleeps between two polls. */
    public Duration pause() {
        return pause;
    }

    /** What has set the rank, for the log; null if the program has. */
    @Nullable String origin() {
        return origin;
    }

    /** All options in one line for the log. */
    @Override
    public String toString() {
        return "JoinOptions[rank=" + (rank == ANY_RANK ? "any" : rank) + ", worldSize=" + worldSize + ", rendezvous="
                + rendezvous + ", transport=" + transport + ", bind="
                + (bind == null ? "chosen" : bind) + ", hostId="
                + (hostId == null ? "found" : hostId) + ", ranksOnHost=" + ranksOnHost + ", mtu="
                + (mtu == 0 ? "chosen" : mtu) + ", secret=" + (secret == null ? "none" : "given")
                + ", trustedNetwork=" + trustedNetwork + ", joinTimeout=" + joinTimeout + ", peerTimeout=" + peerTimeout
                + ", pause=" + pause + "]";
    }

    /** Collects options; every setter returns the builder. */
    public static final class Builder {

        private final int rank;
        private final int worldSize;
        private final String rendezvous;
        private TransportMode transport = TransportMode.AUTO;
        private @Nullable String bind;
        private @Nullable String hostId;
        private int ranksOnHost;
        private int mtu;
        private @Nullable RunSecret secret;
        private boolean trustedNetwork;
        private Duration joinTimeout = DEFAULT_JOIN_TIMEOUT;
        private Duration peerTimeout = Session.DEFAULT_PEER_TIMEOUT;
        private Duration pause = Backoff.DEFAULT_PAUSE;
        private @Nullable String origin;

        private Builder(int rank, int worldSize, String rendezvous) {
            this.rank = rank;
            this.worldSize = worldSize;
            this.rendezvous = rendezvous;
        }

        /** Network among the ranks; the same on all of them. Default {@link TransportMode#AUTO}. */
        public Builder transport(TransportMode mode) {
            this.transport = mode;
            return this;
        }

        /**
         * This host's address or name, or one of its network interfaces, to which its peers send UDP. Every address
         * except loopback needs a {@link #secret}. By default it is that of the route to the rendezvous: loopback if
         * the ranks meet there.
         */
        public Builder bind(String address) {
            this.bind = address;
            return this;
        }

        /**
         * Identity of this host: ranks with equal ids share memory. By default it is derived from the running kernel,
         * the user and the mount of the shared memory.
         */
        public Builder hostId(String id) {
            this.hostId = id;
            return this;
        }

        /**
         * Number of ranks that share this host's cores: with more ranks than cores, waits do not spin. Default: all
         * ranks.
         */
        public Builder ranksOnHost(int ranks) {
            this.ranksOnHost = ranks;
            return this;
        }

        /**
         * Largest UDP datagram in bytes, a multiple of 32, at most what the network carries without fragmentation.
         * Default 0: 65,504 bytes on loopback, otherwise 1,408, which fits any Ethernet; 8,960 suits jumbo frames.
         */
        public Builder mtu(int bytes) {
            this.mtu = bytes;
            return this;
        }

        /**
         * The secret that all processes of the run share, and nobody else: who does not know it cannot join, and learns
         * nothing. By default the ranks prove that the same user has started them on the same host, which allows
         * loopback addresses only.
         */
        public Builder secret(RunSecret value) {
            this.secret = value;
            return this;
        }

        /**
         * Declares that every process that reaches this run's addresses may alter it: without a {@link #secret},
         * nothing is proved, and addresses other than loopback are allowed. The same on all ranks. Default false.
         */
        public Builder trustedNetwork(boolean trusted) {
            this.trustedNetwork = trusted;
            return this;
        }

        /** How long to wait for all ranks to join. Default 60 s. */
        public Builder joinTimeout(Duration timeout) {
            this.joinTimeout = timeout;
            return this;
        }

        /**
         * How long to wait for a peer that is alive but sends nothing. Default {@link Session#DEFAULT_PEER_TIMEOUT}.
         */
        public Builder peerTimeout(Duration timeout) {
            this.peerTimeout = timeout;
            return this;
        }

        /**
         * How long a wait sleeps between two polls. Default 50 us, after spinning and yielding. With a longer pause a
         * wait sleeps at once, for programs that need the processor more than a fast response.
         */
        public Builder pause(Duration value) {
            this.pause = value;
            return this;
        }

        /**
         * Validates and returns the options.
         *
         * @throws IllegalArgumentException naming the option and its value
         */
        public JoinOptions build() {
            return new JoinOptions(this);
        }
    }
}
