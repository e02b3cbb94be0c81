package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.aeron.protocol.HeaderFlyweight;
import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.ProtocolException;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RingCollective;
import io.gyre.membership.Message;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Seat;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Frame;
import io.gyre.testkit.Eventually;
import io.gyre.transport.Rejections.Reason;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two ranks that sum vectors over UDP, with somebody on their way. */
@Timeout(300)
class SealedRunTest {

    private static final int ROUNDS = 24;
    private static final int ELEMENTS = 16_384;

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    private final AtomicInteger rounds = new AtomicInteger();
    private final Map<String, UdpProxy> proxies = Collections.synchronizedMap(new HashMap<>());
    private int started;

    private WiredRun start(boolean sealed, BiFunction<Integer, Message, Message> tamper) throws IOException {
        return start(sealed, SealedPeer.MOST_BLOCKS, tamper);
    }

    private WiredRun start(boolean sealed, long blocksPerKey, BiFunction<Integer, Message, Message> tamper)
            throws IOException {
        started++;
        return new WiredRun(2, sealed, blocksPerKey, Files.createDirectory(directory.resolve("run" + started)), tamper);
    }

    /** Sends each rank's datagrams to a proxy instead. */
    private BiFunction<Integer, Message, Message> through(UdpProxy.Tap tap) {
        return (rank, message) -> {
            if (!(message instanceof Roster roster)) {
                return message;
            }
            List<Seat> seats = new ArrayList<>();
            for (Seat seat : roster.seats()) {
                Map<String, String> addresses = new HashMap<>(seat.addresses());
                int to = seat.member().rank();
                if (to < 2 && to != rank) {
                    addresses.compute(AeronSite.UDP, (name, address) -> proxy(address, tap));
                }
                seats.add(new Seat(seat.member(), addresses, seat.incarnation()));
            }
            return new Roster(roster.rank(), seats);
        };
    }

    private String proxy(String address, UdpProxy.Tap tap) {
        try {
            UdpProxy proxy = new UdpProxy(UdpProxy.parse(address), tap);
            proxies.put(address, proxy);
            return proxy.address();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void end(WiredRun run) {
        run.close();
        proxies.values().forEach(UdpProxy::close);
        proxies.values().forEach(UdpProxy::check);
        proxies.clear();
    }

    /** Sums in rounds, each of the sums of the round before; each rank on a thread of its own. */
    private List<CompletableFuture<byte[]>> sum(WiredRun run, int count) {
        rounds.set(0);
        List<CompletableFuture<byte[]>> sums = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            int own = rank;
            sums.add(OwnThread.call(() -> {
                Collective collective = new RingCollective(run.endpoint(own).group(0, 1));
                Region data =
                        collective.allocate("numbers", ELEMENTS * Float.BYTES).region();
                fill(data, own);
                for (int round = 0; round < count; round++) {
                    collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, round, 0);
                    rounds.getAndAccumulate(round + 1, Math::max);
                }
                byte[] bytes = new byte[ELEMENTS * Float.BYTES];
                data.copyTo(0, ByteBuffer.wrap(bytes), 0, bytes.length);
                return bytes;
            }));
        }
        return sums;
    }

    private static byte[] numbers(int rank) {
        ByteBuffer numbers = ByteBuffer.allocate(ELEMENTS * Float.BYTES).order(ByteOrder.nativeOrder());
        SplittableRandom random = new SplittableRandom(rank);
        for (int i = 0; i < ELEMENTS; i++) {
            numbers.putFloat((float) random.nextDouble(-1, 1));
        }
        return numbers.array();
    }

    private static void fill(Region data, int rank) {
        byte[] numbers = numbers(rank);
        ByteBuffer direct =
                ByteBuffer.allocateDirect(numbers.length).put(numbers).flip();
        data.copyFrom(0, direct, 0, numbers.length);
    }

    private static byte[] both(List<CompletableFuture<byte[]>> sums) throws Exception {
        byte[] first = sums.get(0).get(TIMEOUT.toSeconds() * 4, TimeUnit.SECONDS);
        assertThat(sums.get(1).get(TIMEOUT.toSeconds() * 4, TimeUnit.SECONDS)).isEqualTo(first);
        return first;
    }

    private byte[] cleanSum() throws Exception {
        WiredRun run = start(true, (rank, message) -> message);
        try {
            byte[] sum = both(sum(run, ROUNDS));
            for (int rank = 0; rank < 2; rank++) {
                assertThat(run.alarming(rank)).isZero();
            }
            return sum;
        } finally {
            end(run);
        }
    }

    @Test
    void whoIsOnTheWayChangesNothing() throws Exception {
        byte[] clean = cleanSum();
        List<WiredRun> running = new ArrayList<>();
        Map<String, Attacker> directions = Collections.synchronizedMap(new HashMap<>());
        WiredRun run = start(
                true,
                (rank, message) -> through((datagram, toTarget, way) -> {
                            Attacker direction = directions.computeIfAbsent(
                                    rank + " " + toTarget, key -> new Attacker(key.hashCode()));
                            synchronized (direction) {
                                direction.passes(datagram, running.get(0), toTarget ? 1 - rank : rank, way);
                            }
                        })
                        .apply(rank, message));
        running.add(run);
        try {
            assertThat(both(sum(run, ROUNDS))).isEqualTo(clean);

            assertThat(directions).hasSize(4);
            for (int rank = 0; rank < 2; rank++) {
                Rejections dropped = run.rejections(rank);
                assertThat(dropped.of(Reason.FORGED)).isPositive();
                assertThat(dropped.of(Reason.REPLAYED)).isPositive();
                assertThat(dropped.of(Reason.SHORT)).isPositive();
                assertThat(dropped.of(Reason.STRANGE)).isPositive();
            }
            // The last ones may still be on their way.
            Eventually.that(
                    "every attack has been dropped",
                    () -> run.dropped(0) + run.dropped(1)
                            == directions.values().stream()
                                    .mapToLong(Attacker::attacks)
                                    .sum());
        } finally {
            end(run);
        }
    }

    @Test
    void whoIsElsewhereChangesNothing() throws Exception {
        byte[] clean = cleanSum();
        List<byte[]> passed = Collections.synchronizedList(new ArrayList<>());
        WiredRun run = start(true, through((datagram, toTarget, way) -> passed.add(datagram)));
        try (DatagramSocket stranger = new DatagramSocket()) {
            List<CompletableFuture<byte[]>> sums = sum(run, ROUNDS);
            Eventually.that("datagrams have passed", () -> passed.size() > 20);

            long attacks = 0;
            for (int to = 0; to < 2; to++) {
                InetSocketAddress target = UdpProxy.parse(run.address(to));
                UdpProxy.Way way = datagram -> stranger.send(new DatagramPacket(datagram, datagram.length, target));
                int session = AeronLink.sessionId(WiredRun.RUN.high(), 1, 0, 1 - to, to);
                List<byte[]> forged = new ForgedFrames(1_000 + (1 - to), session).all();
                forged.addAll(List.copyOf(passed).subList(0, 20));
                for (byte[] each : forged) {
                    Attacker.attack(run, to, way, each);
                    attacks++;
                    // And behind the header of a datagram that the rank expects.
                    byte[] dressed = Arrays.copyOf(passed.get(0), DatagramHeader.BYTES + each.length + 16);
                    System.arraycopy(each, 0, dressed, DatagramHeader.BYTES, each.length);
                    dressed[DatagramHeader.BYTES - 3] = 1;
                    Attacker.attack(run, to, way, dressed);
                    attacks++;
                }
            }

            assertThat(both(sums)).isEqualTo(clean);
            assertThat(run.dropped(0) + run.dropped(1)).isEqualTo(attacks);
        } finally {
            end(run);
        }
    }

    @Test
    void aNewKeyInTheMiddleOfAStreamLosesNothing() throws Exception {
        byte[] clean = cleanSum();
        WiredRun run = start(true, (rank, message) -> message);
        try {
            List<CompletableFuture<byte[]>> sums = sum(run, ROUNDS);
            int changes = 0;
            for (int round = 1; round < ROUNDS; round += 2) {
                int reached = round;
                Eventually.that("round " + round, () -> rounds.get() >= reached);
                if (changes % 2 == 0) {
                    run.loseTheLast();
                } else {
                    run.bringTheLastBack();
                }
                changes++;
            }

            assertThat(both(sums)).isEqualTo(clean);
            for (int rank = 0; rank < 2; rank++) {
                GroupKey key = run.membership(rank).groupKey();
                assertThat(key).isNotNull();
                assertThat(key.generation()).isEqualTo(1 + changes);
                assertThat(run.alarming(rank)).isZero();
            }
        } finally {
            end(run);
        }
    }

    @Test
    void keysThatSealLittleLoseNothing() throws Exception {
        byte[] clean = cleanSum();
        AtomicInteger lastEdition = new AtomicInteger();
        WiredRun run = start(
                true,
                2_000,
                through((datagram, toTarget, way) ->
                        lastEdition.accumulateAndGet(DatagramHeader.edition(ByteBuffer.wrap(datagram)), Math::max)));
        try {
            assertThat(both(sum(run, ROUNDS))).isEqualTo(clean);

            assertThat(lastEdition).hasValueGreaterThan(ROUNDS);
            for (int rank = 0; rank < 2; rank++) {
                assertThat(run.alarming(rank)).isZero();
            }
        } finally {
            end(run);
        }
    }

    /** The same search finds the numbers if datagrams are plain. */
    @ParameterizedTest(name = "sealed: {0}")
    @ValueSource(booleans = {false, true})
    void whoListensReadsNothing(boolean sealed) throws Exception {
        List<byte[]> passed = Collections.synchronizedList(new ArrayList<>());
        WiredRun run = start(sealed, through((datagram, toTarget, way) -> passed.add(datagram)));
        try {
            both(sum(run, 1));
        } finally {
            end(run);
        }

        assertThat(passed).hasSizeGreaterThan(2 * ELEMENTS * Float.BYTES / 1_408);
        assertThat(passed).allMatch(datagram -> datagram.length <= 1_408);
        boolean read = false;
        for (int rank = 0; rank < 2; rank++) {
            byte[] numbers = numbers(rank);
            for (int at = 0; at + 32 <= numbers.length; at += 1_024) {
                byte[] few = Arrays.copyOfRange(numbers, at, at + 32);
                read |= passed.stream().anyMatch(datagram -> contains(datagram, few));
            }
        }
        assertThat(read).isEqualTo(!sealed);
    }

    private static boolean contains(byte[] datagram, byte[] few) {
        for (int at = 0; at + few.length <= datagram.length; at++) {
            if (Arrays.equals(datagram, at, at + few.length, few, 0, few.length)) {
                return true;
            }
        }
        return false;
    }

    /** Aeron believes the length. A sealed run never sees such a frame. */
    @Test
    void aPlainFrameThatClaimsAGigabyteEndsItsStreamWithAnErrorThatSaysSo() throws Exception {
        AtomicBoolean forged = new AtomicBoolean();
        WiredRun run = start(false, through((datagram, toTarget, way) -> {
            ByteBuffer frame = ByteBuffer.wrap(datagram.clone()).order(ByteOrder.LITTLE_ENDIAN);
            boolean data = toTarget && frame.getShort(6) == HeaderFlyweight.HDR_TYPE_DATA && frame.getInt(0) > 64;
            if (data && forged.compareAndSet(false, true)) {
                way.send(frame.putInt(0, 1 << 30).array());
            }
        }));
        List<CompletableFuture<byte[]>> sums = sum(run, ROUNDS);
        try {
            CompletableFuture<Object> first = CompletableFuture.anyOf(sums.get(0), sums.get(1));
            assertThatThrownBy(() -> first.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContainingAll("cannot continue to read the stream from rank", "1073741792 bytes");
        } finally {
            run.endpoint(0).shut();
            run.endpoint(1).shut();
            for (CompletableFuture<byte[]> sum : sums) {
                assertThatThrownBy(sum::get).isInstanceOf(ExecutionException.class);
            }
            end(run);
        }
    }

    @Test
    void aRankWithAnotherKeyNeverConnectsAndAllAreTold() throws Exception {
        WiredRun run = start(
                true,
                (rank, message) -> rank == 1 && message instanceof GroupKey key
                        ? new GroupKey(key.generation(), ByteBuffer.allocate(Message.GROUP_KEY_BYTES))
                        : message);
        try {
            var sender = run.endpoint(0).sender(1);
            Eventually.that("its datagrams are dropped", () -> run.rejections(1).of(Reason.FORGED) > 2);
            Frame frame = new Frame().set(Frame.Kind.REQUEST, 0, 0, 0, 0, 8);
            assertThat(sender.offer(frame, ByteBuffer.allocateDirect(8), 0))
                    .as("there is no reader")
                    .isFalse();

            run.site(0).attestKey(run.membership(0));
            run.site(1).attestKey(run.membership(1));

            for (int rank = 0; rank < 2; rank++) {
                int own = rank;
                assertThatThrownBy(() -> run.membership(own).check(own, "joining"))
                        .isInstanceOf(DisagreementException.class)
                        .hasMessageContainingAll("the group key of generation 1", "rank 0", "rank 1");
            }
        } finally {
            end(run);
        }
    }
}
