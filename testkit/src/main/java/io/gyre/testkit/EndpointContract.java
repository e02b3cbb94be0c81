package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.World;
import io.gyre.local.LocalCluster;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import io.gyre.testkit.BlockingEndpoint.Message;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract of a network between ranks: extend this class, define how to run ranks over the network, and inherit its
 * tests.
 *
 * <p>Threads of one JVM cannot simulate a killed process: each transport tests that itself.
 */
@Timeout(120)
public abstract class EndpointContract {

    private static final int PATIENCE_SECONDS = 30;

    /** Ranks as threads of this JVM over the network under test. */
    protected abstract LocalCluster cluster(int ranks);

    /** A short peer timeout that a live peer of the network under test never exceeds in these tests. */
    protected Duration shortTimeout() {
        return Duration.ofMillis(500);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void framesArriveOnceInOrderAndUnchanged(long seed) throws Exception {
        int messages = 300;

        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            SplittableRandom random = new SplittableRandom(seed);
            int peer = 1 - session.world().rank();
            int maxPayload = endpoint.maxPayload(peer);
            for (int i = 0; i < messages; i++) {
                int length = random.nextInt(4) > 0 ? random.nextInt(100) : random.nextInt(maxPayload + 1);
                Message message = Message.random(random, length);
                if (session.world().isRoot()) {
                    endpoint.send(peer, message);
                } else {
                    assertThat(endpoint.receive(peer)).as("message %d", i).isEqualTo(message);
                }
            }
            endpoint.flush();
        });
    }

    @Test
    void payloadsMayBeEmptyOrAsLongAsTheLinkSaysAndNoLonger() throws Exception {
        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            int peer = 1 - session.world().rank();
            int maxPayload = endpoint.maxPayload(peer);
            assertThat(maxPayload).isPositive().matches(bytes -> bytes % 32 == 0, "a multiple of 32");
            Message empty = Message.of(1);
            Message longest = Message.random(new SplittableRandom(4), maxPayload);

            endpoint.send(peer, empty);
            endpoint.sendFromRegion(peer, empty);
            endpoint.send(peer, longest);
            endpoint.sendFromRegion(peer, longest);

            assertThat(endpoint.receive(peer)).isEqualTo(empty);
            assertThat(endpoint.receive(peer)).isEqualTo(empty);
            assertThat(endpoint.receive(peer)).isEqualTo(longest);
            assertThat(endpoint.receive(peer)).isEqualTo(longest);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> endpoint.send(peer, Message.of(1, new byte[maxPayload + 1])))
                    .withMessageContaining(Integer.toString(maxPayload));
        });
    }

    @Test
    void aSenderIsHeldBackUntilTheReceiverTakesFramesAndNothingIsLost() throws Exception {
        CountDownLatch full = new CountDownLatch(1);
        AtomicInteger sent = new AtomicInteger();
        int afterwards = 20;

        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            if (session.world().isRoot()) {
                fill(session.endpoint().sender(1), sent);
                full.countDown();
                for (int i = 0; i < afterwards; i++) {
                    endpoint.send(1, Message.of(sent.getAndIncrement()));
                }
                endpoint.flush();
            } else {
                await(full);
                int received = 0;
                while (received < sent.get() || received < afterwards) {
                    assertThat(endpoint.receive(0).bucket()).isEqualTo(received);
                    received++;
                }
            }
        });
    }

    private static void fill(FrameSender sender, AtomicInteger sent) {
        long limit = 1L << 32;
        ByteBuffer payload = ByteBuffer.allocateDirect(sender.maxPayload()).order(ByteOrder.nativeOrder());
        Frame frame = new Frame();
        while (sender.offer(frame.set(Frame.Kind.DATA, 0, sent.get(), 0, 0, payload.capacity()), payload, 0)) {
            assertThat((long) sent.incrementAndGet() * payload.capacity())
                    .as("bytes taken though nobody reads")
                    .isLessThan(limit);
        }
    }

    @Test
    void everyPairHasAStreamOfItsOwn() throws Exception {
        int ranks = 4;

        cluster(ranks).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            int own = session.world().rank();
            for (int peer = 0; peer < ranks; peer++) {
                if (peer != own) {
                    endpoint.send(peer, Message.of(own, (byte) peer));
                }
            }
            for (int peer = ranks - 1; peer >= 0; peer--) {
                if (peer != own) {
                    assertThat(endpoint.receive(peer)).isEqualTo(Message.of(peer, (byte) own));
                }
            }
            endpoint.flush();
        });
    }

    @Test
    void pollingStopsAtItsLimitAndWhenTheHandlerHasEnough() throws Exception {
        int messages = 7;

        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            if (session.world().isRoot()) {
                for (int i = 0; i < messages; i++) {
                    endpoint.send(1, Message.of(i));
                }
                endpoint.receive(1);
            } else {
                FrameReceiver receiver = session.endpoint().receiver(0);
                List<Integer> buckets =
                        new ArrayList<>(List.of(endpoint.receive(0).bucket()));
                while (buckets.size() < messages) {
                    int before = buckets.size();
                    int taken = receiver.poll((frame, payload, offset) -> buckets.add(frame.bucket()), 2);
                    assertThat(buckets).hasSize(before + taken);
                    assertThat(taken).isBetween(0, 2);
                    if (buckets.size() < messages) {
                        buckets.add(endpoint.receive(0).bucket());
                    }
                }
                assertThat(buckets).containsExactly(0, 1, 2, 3, 4, 5, 6);
                endpoint.send(0, Message.of(0));
                endpoint.flush();
            }
        });
    }

    @Test
    void payloadsAreDirectAndInNativeOrder() throws Exception {
        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            if (session.world().isRoot()) {
                endpoint.send(1, Message.of(1, (byte) 1));
                endpoint.flush();
            } else {
                List<Object> seen = new ArrayList<>();
                pollUntilTaken(
                        session.endpoint(),
                        session.endpoint().receiver(0),
                        (frame, payload, offset) -> seen.add(payload.isDirect()) && seen.add(payload.order()));
                assertThat(seen).containsExactly(true, ByteOrder.nativeOrder());
            }
        });
    }

    @Test
    void aFailureOfTheHandlerComesOutUnchangedAndBreaksTheLink() throws Exception {
        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            if (session.world().isRoot()) {
                endpoint.send(1, Message.of(1));
                endpoint.send(1, Message.of(2));
                endpoint.send(1, Message.of(3));
                endpoint.flush();
            } else {
                endpoint.receive(0);
                FrameReceiver receiver = session.endpoint().receiver(0);
                IllegalStateException failure = new IllegalStateException("on purpose");
                FrameReceiver.Handler failing = (frame, payload, offset) -> {
                    throw failure;
                };
                assertThatThrownBy(() -> pollUntilTaken(session.endpoint(), receiver, failing))
                        .isSameAs(failure);

                assertThatThrownBy(() -> pollUntilTaken(session.endpoint(), receiver, (frame, payload, offset) -> true))
                        .isInstanceOf(GyreException.class);
            }
        });
    }

    private static void pollUntilTaken(Endpoint endpoint, FrameReceiver receiver, FrameReceiver.Handler handler) {
        Activity activity = new Activity();
        activity.begin("polling", 0, -1, 0);
        int taken = 0;
        while (taken == 0) {
            taken = receiver.poll(handler, 1);
            endpoint.await(taken, activity);
        }
    }

    @Test
    void ranksThatDoNotExistHaveNoLinks() throws Exception {
        cluster(3).run(session -> {
            Endpoint endpoint = session.endpoint();
            int own = session.world().rank();

            for (int unknown : new int[] {-1, 3, 1000, own}) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> endpoint.sender(unknown))
                        .withMessageContaining(Integer.toString(unknown));
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> endpoint.receiver(unknown))
                        .withMessageContaining(Integer.toString(unknown));
            }
            assertThatIllegalArgumentException().isThrownBy(() -> endpoint.member(3));
            assertThatIllegalArgumentException().isThrownBy(() -> endpoint.member(-1));
        });
    }

    @Test
    void everybodyKnowsEverybody() throws Exception {
        List<List<Member>> views = cluster(3).call(session -> {
            assertThat(session.endpoint().world()).isEqualTo(session.world());
            for (int rank = 0; rank < 3; rank++) {
                assertThat(session.endpoint().member(rank))
                        .isEqualTo(session.members().get(rank));
            }
            return session.members();
        });

        assertThat(views).hasSize(3).containsOnly(views.get(0));
        assertThat(views.get(0)).extracting(Member::rank).containsExactly(0, 1, 2);
    }

    @Test
    void aGroupNumbersItsMembersAnewAndTheyTalkUndisturbed() throws Exception {
        cluster(4).run(session -> {
            int own = session.world().rank();
            if (own == 1) {
                return;
            }
            Endpoint group = session.endpoint().group(3, 0, 2);
            List<Integer> order = List.of(3, 0, 2);
            assertThat(group.world()).isEqualTo(new World(order.indexOf(own), 3));
            for (int i = 0; i < 3; i++) {
                assertThat(group.member(i).rank()).isEqualTo(order.get(i));
            }
            BlockingEndpoint endpoint = new BlockingEndpoint(group);

            endpoint.send(group.world().right(), Message.of(own));

            assertThat(endpoint.receive(group.world().left()).bucket())
                    .isEqualTo(order.get(group.world().left()));
            assertThatIllegalArgumentException().isThrownBy(() -> group.sender(3));
            assertThatIllegalArgumentException().isThrownBy(() -> group.receiver(-1));
            assertThatIllegalArgumentException().isThrownBy(() -> group.member(3));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> group.sender(group.world().rank()));
            endpoint.flush();
        });
    }

    @Test
    void groupsMayOverlapAndNest() throws Exception {
        cluster(3).run(session -> {
            int own = session.world().rank();
            if (own < 2) {
                BlockingEndpoint low = new BlockingEndpoint(session.endpoint().group(0, 1));
                low.send(1 - own, Message.of(own));
                assertThat(low.receive(1 - own).bucket()).isEqualTo(1 - own);
                low.flush();
            }
            if (own > 0) {
                Endpoint outer = session.endpoint().group(2, 1, 0);
                BlockingEndpoint high = new BlockingEndpoint(outer.group(0, 1));
                high.send(own - 1, Message.of(own));
                assertThat(high.receive(own - 1).bucket()).isEqualTo(3 - own);
                high.flush();
            }
        });
    }

    @Test
    void aGroupIsMadeOfItsOwnRankAndOthersThatExistOnceEach() throws Exception {
        cluster(3).run(session -> {
            Endpoint endpoint = session.endpoint();
            int own = session.world().rank();

            assertThat(endpoint.group(own).world()).isEqualTo(new World(0, 1));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> endpoint.group((own + 1) % 3))
                    .withMessageContaining("does not contain");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> endpoint.group(own, own))
                    .withMessageContaining("twice");
            assertThatIllegalArgumentException().isThrownBy(() -> endpoint.group(own, 3));
        });
    }

    @Test
    void sentPayloadIsCounted() throws Exception {
        List<Long> sent = cluster(2).call(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            int peer = 1 - session.world().rank();
            long before = session.bytesSent();
            if (session.world().isRoot()) {
                endpoint.send(peer, Message.of(0, new byte[100]));
                endpoint.sendFromRegion(peer, Message.of(0, new byte[23]));
            } else {
                endpoint.receive(peer);
                endpoint.receive(peer);
            }
            endpoint.flush();
            return session.bytesSent() - before;
        });

        assertThat(sent).containsExactly(123L, 0L);
    }

    @Test
    void aRankThatFailsEndsTheWaitsOfAllOthersAndIsNamed() {
        Map<Integer, PeerLostException> seen = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> cluster(3).run(session -> {
                    int own = session.world().rank();
                    BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                    if (own == 1) {
                        throw new IllegalStateException("no more of this");
                    }
                    int innocent = 2 - own;
                    seen.put(own, catchThrowableOfType(PeerLostException.class, () -> endpoint.receive(innocent)));
                }))
                .isInstanceOf(GyreException.class)
                .hasRootCauseMessage("no more of this");
        assertThat(seen).containsOnlyKeys(0, 2);
        assertThat(seen.values()).allSatisfy(lost -> {
            assertThat(lost.rank()).isEqualTo(1);
            assertThat(lost).hasMessageContaining("no more of this").hasMessageContaining("step 5");
        });
    }

    @Test
    void aRankThatAsksToFailIsNamedWithItsReason() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).run(session -> {
            if (session.world().isRoot()) {
                session.fail("the disk is full");
                await(noticed);
            } else {
                BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                PeerLostException lost = catchThrowableOfType(PeerLostException.class, () -> endpoint.receive(0));
                noticed.countDown();
                assertThat(lost.rank()).isZero();
                assertThat(lost).hasMessageContaining("the disk is full");
            }
        });
    }

    @Test
    void whatARankSentBeforeItLeftStillArrivesAndThenItsAbsenceIsNoticed() throws Exception {
        CountDownLatch leaving = new CountDownLatch(1);

        cluster(2).run(session -> {
            BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
            if (session.world().isRoot()) {
                for (int i = 0; i < 5; i++) {
                    endpoint.send(1, Message.of(i, new byte[1000]));
                }
                endpoint.flush();
                leaving.countDown();
            } else {
                await(leaving);
                for (int i = 0; i < 5; i++) {
                    assertThat(endpoint.receive(0).bucket()).isEqualTo(i);
                }
                assertThatThrownBy(() -> endpoint.receive(0))
                        .isInstanceOfSatisfying(
                                PeerLostException.class,
                                lost -> assertThat(lost.rank()).isZero());
            }
        });
    }

    @Test
    void aSilentPeerIsNamedAfterThePeerTimeout() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).withPeerTimeout(shortTimeout()).run(session -> {
            if (session.world().isRoot()) {
                BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                PeerTimeoutException timeout =
                        catchThrowableOfType(PeerTimeoutException.class, () -> endpoint.receive(1));
                noticed.countDown();
                assertThat(timeout.rank()).isEqualTo(1);
                assertThat(timeout)
                        .hasMessageContaining(session.members().get(1).toString())
                        .hasMessageContaining(shortTimeout().toMillis() + " ms")
                        .hasMessageContaining("waiting for a message of bucket 7, step 5");
            } else {
                await(noticed);
            }
        });
    }

    @Test
    void anInterruptedRankStopsWaiting() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).run(session -> {
            if (session.world().isRoot()) {
                Thread.currentThread().interrupt();
                BlockingEndpoint endpoint = new BlockingEndpoint(session.endpoint());
                assertThatThrownBy(() -> endpoint.receive(1))
                        .isInstanceOf(GyreException.class)
                        .hasMessageContaining("interrupted");
                assertThat(Thread.interrupted())
                        .as("the interrupt is still set")
                        .isTrue();
                noticed.countDown();
            } else {
                await(noticed);
            }
        });
    }

    @Test
    void anExchangeGivesEveryRankTheValuesOfAllByRank() throws Exception {
        int ranks = 4;
        int rounds = 20;
        byte[] large = new byte[1 << 20];
        new SplittableRandom(9).nextBytes(large);

        cluster(ranks).run(session -> {
            for (int round = 0; round < rounds; round++) {
                List<byte[]> values = session.exchange(
                        "round", bytes(round + " of " + session.world().rank()));
                assertThat(values).hasSize(ranks);
                for (int rank = 0; rank < ranks; rank++) {
                    assertThat(values.get(rank)).asString().isEqualTo(round + " of " + rank);
                }
            }
            assertThat(session.exchange("nothing", new byte[0]))
                    .allSatisfy(value -> assertThat(value).isEmpty());
            byte[] own = session.world().isRoot() ? large : new byte[0];
            assertThat(session.exchange("a large value", own).get(0)).isEqualTo(large);
        });
    }

    @Test
    void anExchangeRefusesValuesThatAreTooLong() throws Exception {
        cluster(2).run(session -> {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> session.exchange("all my memory", new byte[Session.MAX_EXCHANGE_BYTES + 1]))
                    .withMessageContaining("all my memory")
                    .withMessageContaining(Integer.toString(Session.MAX_EXCHANGE_BYTES));
            session.exchange("the end", new byte[0]);
        });
    }

    @Test
    void textsThatAreTooLongAreRefusedAndTheLongestArrive() throws Exception {
        String longest = "ß".repeat(Session.MAX_TEXT_CHARS);
        String tooLong = longest + "!";
        cluster(2).run(session -> {
            session.attest(longest, longest, longest);
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    () -> session.exchange(tooLong, new byte[0]),
                    () -> session.attest(tooLong, "5 rows", "read again"),
                    () -> session.attest("the data", tooLong, "read again"),
                    () -> session.attest("the data", "5 rows", tooLong))) {
                assertThatIllegalArgumentException()
                        .isThrownBy(call)
                        .withMessageContaining(tooLong.length() + " characters: at most " + Session.MAX_TEXT_CHARS)
                        .withMessageContaining("ßßß");
            }
            session.exchange(longest, new byte[Session.MAX_EXCHANGE_BYTES]);
        });
    }

    @Test
    void aDifferenceOfTheLongestTextsReachesAllRanks() throws Exception {
        String longest = "ß".repeat(Session.MAX_TEXT_CHARS);
        String almost = longest.substring(1);
        cluster(2).run(session -> {
            session.attest(longest, almost + session.world().rank(), longest);
            assertThatThrownBy(() -> session.exchange("the end", new byte[0]))
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContainingAll(almost + "0 on rank 0", almost + "1 on rank 1", longest);
        });
    }

    @Test
    void aReasonOfAFailureThatIsTooLongIsCut() throws Exception {
        String reason = "the disk is full" + "!".repeat(Session.MAX_EXCHANGE_BYTES);
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).run(session -> {
            if (session.world().isRoot()) {
                session.fail(reason);
                await(noticed);
            } else {
                PeerLostException lost = catchThrowableOfType(
                        PeerLostException.class, () -> session.exchange("the end", new byte[0]));
                noticed.countDown();
                assertThat(lost.rank()).isZero();
                assertThat(lost)
                        .hasMessageContaining("the disk is full!!!")
                        .hasMessageContaining("… (" + (reason.length() - Session.MAX_TEXT_CHARS) + " more characters)");
            }
        });
    }

    @Test
    void ranksThatExchangeDifferentThingsAllLearnIt() throws Exception {
        cluster(3).run(session -> {
            String topic = session.world().rank() == 2 ? "pears" : "apples";
            assertThatThrownBy(() -> session.exchange(topic, new byte[1]))
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContainingAll("apples", "pears", "rank 0", "rank 2");
        });
    }

    @Test
    void ranksThatAgreeGoOn() throws Exception {
        cluster(3).run(session -> {
            session.agree("options", Map.of("batch", "64", "rate", "0.1"));
            session.agree("nothing", Map.of());
        });
    }

    @Test
    void ranksThatDisagreeAllLearnWhoSaysWhat() throws Exception {
        cluster(4).run(session -> {
            String rate = session.world().rank() == 3 ? "0.25" : "0.1";
            assertThatThrownBy(() -> session.agree("options", Map.of("batch", "64", "rate", rate)))
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContainingAll("options", "'rate'", "'0.1'", "'0.25'")
                    .hasMessageContaining(session.members().get(0).toString())
                    .hasMessageContaining(session.members().get(3).toString());
        });
    }

    @Test
    void aRankThatFailsEndsAnExchange() {
        Map<Integer, PeerLostException> seen = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> cluster(3).run(session -> {
                    int own = session.world().rank();
                    if (own == 1) {
                        throw new IllegalStateException("no more of this");
                    }
                    seen.put(
                            own,
                            catchThrowableOfType(
                                    PeerLostException.class, () -> session.exchange("addresses", new byte[1])));
                }))
                .isInstanceOf(GyreException.class);
        assertThat(seen).containsOnlyKeys(0, 2);
        assertThat(seen.values()).allSatisfy(lost -> {
            assertThat(lost.rank()).isEqualTo(1);
            assertThat(lost).hasMessageContaining("addresses");
        });
    }

    @Test
    void aSilentRankEndsAnExchangeAfterThePeerTimeout() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).withPeerTimeout(shortTimeout()).run(session -> {
            if (session.world().isRoot()) {
                PeerTimeoutException timeout = catchThrowableOfType(
                        PeerTimeoutException.class, () -> session.exchange("addresses", new byte[1]));
                noticed.countDown();
                assertThat(timeout.rank()).isEqualTo(1);
                assertThat(timeout).hasMessageContaining("addresses");
            } else {
                await(noticed);
            }
        });
    }

    @Test
    void aSessionMayBeClosedTwice() throws Exception {
        cluster(2).run(session -> {
            session.exchange("the end", new byte[0]);
            session.close();
            session.close();
        });
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("the other rank got there within %d s", PATIENCE_SECONDS)
                .isTrue();
    }
}
