package io.gyre.transport;

import io.gyre.OptionRange;
import io.gyre.World;
import io.gyre.network.Backoff;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.Map;
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
    private final String bind;
    private final @Nullable String hostId;
    private final int ranksOnHost;
    private final int mtu;
    private final boolean trustedNetwork;
    private final Duration joinTimeout;
    private final Duration peerTimeout;
    private final Duration pause;

    private JoinOptions(Builder builder) {
        this.rank = builder.rank;
        this.worldSize = builder.worldSize;
        this.rendezvous = builder.rendezvous;
        this.transport = builder.transport;
        this.bind = builder.bind;
        this.hostId = builder.hostId;
        this.ranksOnHost = builder.ranksOnHost > 0 ? builder.ranksOnHost : builder.worldSize;
        this.mtu = builder.mtu;
        this.trustedNetwork = builder.trustedNetwork;
        this.joinTimeout = builder.joinTimeout;
        this.peerTimeout = builder.peerTimeout;
        this.pause = builder.pause;
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
     * Reads the {@linkplain GyreVariable variables} that the launcher sets: rank, number of ranks and rendezvous, and
     * if present transport, address, identity and number of ranks of this host, and whether the network is trusted.
     *
     * @throws IllegalArgumentException naming the variable that is missing or invalid
     */
    public static JoinOptions fromEnvironment() {
        return fromEnvironment(System.getenv());
    }

    static JoinOptions fromEnvironment(Map<String, String> environment) {
        EnvironmentVariables variables = new EnvironmentVariables(environment);
        Builder builder = builder(
                variables.number(GyreVariable.RANK),
                variables.number(GyreVariable.WORLD_SIZE),
                variables.requiredText(GyreVariable.RENDEZVOUS));
        GyreVariable.TRANSPORT.text(environment).map(JoinOptions::mode).ifPresent(builder::transport);
        GyreVariable.BIND.text(environment).ifPresent(builder::bind);
        GyreVariable.HOST_ID.text(environment).ifPresent(builder::hostId);
        GyreVariable.LOCAL_SIZE.number(environment).ifPresent(builder::ranksOnHost);
        GyreVariable.TRUSTED_NETWORK.flag(environment).ifPresent(builder::trustedNetwork);
        return builder.build();
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
        builder.transport = transport;
        builder.bind = bind;
        builder.hostId = hostId;
        builder.ranksOnHost = ranksOnHost;
        builder.mtu = mtu;
        builder.trustedNetwork = trustedNetwork;
        builder.joinTimeout = joinTimeout;
        builder.peerTimeout = peerTimeout;
        builder.pause = pause;
        return builder;
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

    /** This host's address, to which its peers send. */
    public String bind() {
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

    /** Whether addresses other than loopback may be used without authentication. */
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

    /** All options in one line for the log. */
    @Override
    public String toString() {
        return "JoinOptions[rank=" + (rank == ANY_RANK ? "any" : rank) + ", worldSize=" + worldSize + ", rendezvous="
                + rendezvous + ", transport=" + transport + ", bind=" + bind + ", hostId="
                + (hostId == null ? "found" : hostId) + ", ranksOnHost=" + ranksOnHost + ", mtu="
                + (mtu == 0 ? "chosen" : mtu) + ", trustedNetwork=" + trustedNetwork + ", joinTimeout=" + joinTimeout
                + ", peerTimeout=" + peerTimeout + ", pause=" + pause + "]";
    }

    /** Collects options; every setter returns the builder. */
    public static final class Builder {

        private final int rank;
        private final int worldSize;
        private final String rendezvous;
        private TransportMode transport = TransportMode.AUTO;
        private String bind = LOOPBACK;
        private @Nullable String hostId;
        private int ranksOnHost;
        private int mtu;
        private boolean trustedNetwork;
        private Duration joinTimeout = DEFAULT_JOIN_TIMEOUT;
        private Duration peerTimeout = Session.DEFAULT_PEER_TIMEOUT;
        private Duration pause = Backoff.DEFAULT_PAUSE;

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
         * This host's address or name, to which its peers send UDP. Default loopback, because there is no
         * authentication.
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
         * Allows addresses other than loopback. Gyre does not authenticate yet: anyone who reaches its ports can alter
         * the run. Default false.
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
