package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.testkit.BlockingEndpoint.Message;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
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
public abstract class EndpointContract extends PeerLossContract {

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
}
