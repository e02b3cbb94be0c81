package io.gyre.transport;

import io.aeron.Subscription;
import io.aeron.logbuffer.LogBufferDescriptor;
import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.membership.Membership;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.RunId;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's Aeron resources before it knows its peers: a directory, a driver in it, and for UDP a port on which all
 * peers reach it.
 */
final class AeronSite implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(AeronSite.class);

    /** Names of the addresses that a rank tells its peers. */
    static final String HOST = "host";

    static final String DIRECTORY = "directory";
    static final String UDP = "udp";

    /** Not an address, but what distinguishes this process in the derivation of keys. */
    static final String SALT = "salt";

    private static final int SALT_BYTES = 16;

    /**
     * Term length of a log. Three terms, a reader's working set, fit in a second-level cache, which is worth a fifth of
     * the throughput. Frames of 64 KB need at least 512 KB.
     */
    private static final int TERM_BYTES = 1 << 20;

    /** The same with many ranks on one host, whose logs share its memory. */
    private static final int SMALL_TERM_BYTES = 1 << 19;

    private static final int MANY_RANKS = 8;

    /** A ring needs one for sending and, over UDP, one for receiving. */
    private static final int FIRST_LOGS = 2;

    private static final int FILE_PAGE_BYTES = 4_096;

    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(10);

    /** Subscriptions of an endpoint find its channel by this tag, which is local to the driver. */
    private static final String TAG = "tags=1";

    private static final int ANCHOR_STREAM = 1;

    /** An address as Aeron prints it. */
    private static final Pattern ENDPOINT = Pattern.compile("[0-9A-Za-z.:%\\[\\]_-]{1,300}");

    private final RunDirectory directory;
    private final StorageSpace space;
    private final int termBytes;
    private final @Nullable UdpSettings udp;
    private final @Nullable DatagramSeal seal;
    private final AeronFaults faults;
    private final AeronNode node;
    private final Map<String, String> addresses = new TreeMap<>();
    private @Nullable Subscription anchor;

    /**
     * Opens directory, driver and port.
     *
     * @param label used in names of files and threads
     * @param sharedMemory directory for shared files
     * @param membership borrowed; knows the keys for datagrams
     * @param blocksPerKey that one key of datagrams seals
     */
    AeronSite(
            JoinOptions options,
            String label,
            Path sharedMemory,
            StorageSpace space,
            Membership membership,
            RunId run,
            long blocksPerKey) {
        this.space = space;
        this.termBytes = options.ranksOnHost() > MANY_RANKS ? SMALL_TERM_BYTES : TERM_BYTES;
        this.udp = options.transport().isOneHost() ? null : UdpSettings.of(options, termBytes);
        if (udp != null && udp.sealed()) {
            String salt = randomText();
            addresses.put(SALT, salt);
            seal = new DatagramSeal(membership, run, salt, blocksPerKey);
        } else {
            seal = null;
        }
        if (udp != null && !udp.sealed()) {
            LOG.info("rank {}: datagrams are plain, because the network is declared to be trusted", options.rank());
        }
        this.faults = new AeronFaults("the media driver of rank " + options.rank());
        this.directory = RunDirectory.create(sharedMemory, label);
        try {
            Path driver = directory.path().resolve("aeron");
            long needed = AeronNode.BASE_BYTES + FIRST_LOGS * logBytes();
            String purpose = "rank " + options.rank() + ": a media driver";
            this.node = withRoomFor(needed, purpose, () -> new AeronNode(driver, termBytes, udp, seal, faults, label));
            addresses.put(HOST, hostId(options, sharedMemory));
            addresses.put(DIRECTORY, driver.toString());
        } catch (RuntimeException e) {
            directory.close();
            throw e;
        }
        if (udp != null) {
            try {
                addresses.put(UDP, openPort(udp));
            } catch (RuntimeException e) {
                close();
                throw e;
            }
        }
    }

    private static String randomText() {
        byte[] salt = new byte[SALT_BYTES];
        new SecureRandom().nextBytes(salt);
        return HexFormat.of().formatHex(salt);
    }

    private static String hostId(JoinOptions options, Path sharedMemory) {
        String given = options.hostId();
        return given != null ? given : HostIdentity.of(sharedMemory);
    }

    private String openPort(UdpSettings settings) {
        String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
        Subscription opened = node.locked(
                () -> node.client().addSubscription("aeron:udp?endpoint=" + host + ":0|" + TAG, ANCHOR_STREAM));
        anchor = opened;
        long deadline = System.nanoTime() + OPEN_TIMEOUT.toNanos();
        if (!node.pumpUntil(() -> opened.resolvedEndpoint() != null, deadline)) {
            throw new GyreException(
                    "no UDP port could be opened on " + settings.host() + ": is it an address of this host?");
        }
        return opened.resolvedEndpoint();
    }

    /** Releases the UDP port: no peer needs it. */
    void closePort() {
        Subscription open = anchor;
        if (open != null) {
            anchor = null;
            node.locked(() -> {
                open.close();
                return true;
            });
        }
    }

    /**
     * Attests the group key of the datagrams, if they are sealed: ranks with different ones would wait for each other.
     */
    void attestKey(Membership membership) {
        GroupKey key = membership.groupKey();
        if (seal != null && key != null) {
            membership.attest(
                    IntStream.range(0, membership.seats().size()).boxed().toList(),
                    "the group key of generation " + key.generation(),
                    KeyRing.fingerprint(key),
                    "Datagrams between them would be dropped: something has changed a key on its way to a rank");
        }
    }

    /** What seals this rank's datagrams; null if they are plain, or there are none. */
    @Nullable DatagramSeal seal() {
        return seal;
    }

    /** Channel on which this rank receives over UDP. */
    String udpInbound(int sessionId) {
        return "aeron:udp?" + TAG + "|session-id=" + sessionId;
    }

    /** Channel on which this rank sends over UDP. */
    String udpOutbound(String endpoint, int sessionId) {
        // More would be read as settings of the channel.
        if (!ENDPOINT.matcher(endpoint).matches()) {
            throw new ProtocolException("a rank receives at '" + endpoint + "', which is no address");
        }
        return "aeron:udp?endpoint=" + endpoint + "|session-id=" + sessionId;
    }

    /** Channel of a stream in shared memory, for both ends. */
    String ipc(int sessionId) {
        return "aeron:ipc?session-id=" + sessionId;
    }

    /** Longest frame that fits in a datagram, Aeron's header included. */
    int udpMtu() {
        return udp == null ? JoinOptions.MAX_MTU : udp.mtu();
    }

    /** What this rank tells its peers. */
    Map<String, String> addresses() {
        return addresses;
    }

    /** The directory with everything that a rank shares, derived from its driver's address. */
    static Path runDirectory(String driver) {
        return Objects.requireNonNull(Path.of(driver).getParent(), driver);
    }

    /** The driver and its clients. */
    AeronNode node() {
        return node;
    }

    /** The driver's faults. */
    AeronFaults faults() {
        return faults;
    }

    /** Creates something that needs the memory of one log, if there is room for it. */
    <T> T withRoomForLog(String purpose, UserLock.Action<T> action) {
        return withRoomFor(logBytes(), purpose, action);
    }

    /** Creates something that needs shared memory, if there is room for it. */
    <T> T withRoomFor(long bytes, String purpose, UserLock.Action<T> action) {
        return directory.filling(space, bytes, purpose, action);
    }

    private long logBytes() {
        return LogBufferDescriptor.computeLogLength(termBytes, FILE_PAGE_BYTES);
    }

    @Override
    public void close() {
        node.close();
        directory.close();
    }

    /** Removes only the directory, because a thread that cannot be stopped may still be in its memory. */
    void abandon() {
        directory.close();
    }
}
