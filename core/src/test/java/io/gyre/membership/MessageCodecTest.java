package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.membership.Message.Adjourn;
import io.gyre.membership.Message.Admitted;
import io.gyre.membership.Message.Attest;
import io.gyre.membership.Message.Awaited;
import io.gyre.membership.Message.Backed;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Present;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Message.Welcome;
import io.gyre.session.Reached;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageCodecTest {

    private static final Member MEMBER = new Member(3, "höst", 1L << 40);

    static Stream<Message> messages() {
        return Stream.of(
                new Welcome(
                        Message.PROTOCOL_VERSION,
                        new RunId(-1, 7),
                        16,
                        true,
                        MEMBER,
                        SilenceLimits.within(Duration.ofSeconds(3))),
                new Join(Message.PROTOCOL_VERSION, 4, MEMBER, Map.of("b", "2", "a", "")),
                new Ready(Map.of("udp", "127.0.0.1:4000")),
                new Refused("no room"),
                new Roster(1, List.of(new Seat(MEMBER, Map.of()), new Seat(MEMBER, Map.of("k", "v")))),
                new Offer(List.of(0, 3), "topic", ByteBuffer.wrap(new byte[] {1, 2, 3})),
                new Expendable(3),
                new Backed(List.of(0, 3), List.of(0, 2)),
                new LostExpendable(MEMBER, "reason"),
                new Returned(new Seat(MEMBER, Map.of("udp", "[::1]:9"), 7)),
                new Value(2, ByteBuffer.wrap(new byte[0])),
                new Disagreed("apples and pears"),
                new Lost(MEMBER, "gone"),
                new Left(9, List.of(1L << 50, 0L), "export to a", "export to ä"),
                new Leave(List.of(3L), "export to ß"),
                new Unaware(),
                new Attest(List.of(0, 3), "the data of step 7", "5 rows", "read again"),
                new GroupKey(7, ByteBuffer.wrap(new byte[Message.GROUP_KEY_BYTES])),
                new Failed("the disk is full"),
                new Present(3, new Reached(2, 1L << 40)),
                new Convened(4, "127.0.0.1:9", 2, List.of(0, 2, 2), Message.NO_RANK),
                new Adjourn(4),
                new Admitted(Map.of("GYRE_SEATS", "4"), ByteBuffer.allocate(Message.GROUP_KEY_BYTES)),
                new Awaited(3),
                new Heartbeat(1L << 40));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void whatIsWrittenIsRead(Message message) {
        assertThat(decode(MessageCodec.encode(message))).isEqualTo(message);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void whatIsCutOffIsNoMessage(Message message) {
        byte[] bytes = MessageCodec.encode(message);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> decode(cut))
                    .as("the first %d of %d bytes", length, bytes.length)
                    .isInstanceOf(ProtocolException.class);
        }
    }

    @ParameterizedTest
    @MethodSource("messages")
    void whatIsTooLongIsNoMessage(Message message) {
        byte[] bytes = MessageCodec.encode(message);

        assertThatThrownBy(() -> decode(Arrays.copyOf(bytes, bytes.length + 1)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("1 bytes too many");
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4})
    void noiseIsRefusedWithoutHarm(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<byte[]> known = messages().map(MessageCodec::encode).toList();
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = known.get(random.nextInt(known.size())).clone();
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                assertThat(decode(bytes)).isNotNull();
            } catch (ProtocolException refused) {
                assertThat(refused).hasMessageNotContaining("null");
            }
        }
    }

    @Test
    void aJoinOfAnotherVersionIsUnderstoodFarEnoughToRefuseIt() {
        int other = Message.PROTOCOL_VERSION + 1;
        byte[] bytes = MessageCodec.encode(new Join(other, 4, MEMBER, Map.of("a", "b")));

        assertThat(decode(bytes)).isEqualTo(new Join(other, 4, MEMBER, Map.of()));
    }

    @Test
    void aLengthThatIsNotThereIsRefusedBeforeItIsAllocated() {
        byte[] bytes =
                ByteBuffer.allocate(5).put((byte) 3).putInt(Integer.MAX_VALUE).array();

        assertThatThrownBy(() -> decode(bytes))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("a field of 2147483647 bytes, of which 0 are there");
    }

    @Test
    void aListThatIsNotThereIsRefusedAtOnce() {
        for (int count : new int[] {-1, 1, Integer.MAX_VALUE}) {
            byte[] bytes = ByteBuffer.allocate(5).put((byte) 13).putInt(count).array();

            assertThatThrownBy(() -> decode(bytes))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("a list of " + count + " entries, for which 0 bytes are there");
        }
    }

    @Test
    void whatNoRankWritesIsRefused() {
        byte[] twice = MessageCodec.encode(new Ready(Map.of("a", "1", "b", "2")));
        twice[twice.length - 6] = 'a';
        byte[] flag = MessageCodec.encode(new Welcome(1, new RunId(0, 0), 1, true, MEMBER, SilenceLimits.DEFAULT));
        flag[29] = 2;
        byte[] rank = MessageCodec.encode(new Offer(List.of(0), "", ByteBuffer.allocate(0)));
        rank[5] = 1;
        byte[] text = MessageCodec.encode(new Refused("x"));
        text[5] = (byte) 0xff;

        assertThatThrownBy(() -> decode(twice)).hasMessage("a control message with two values of 'a'");
        assertThatThrownBy(() -> decode(flag)).hasMessageContaining("a truth value of 2");
        assertThatThrownBy(() -> decode(rank)).hasMessageContaining("rank " + (1L << 56));
        assertThatThrownBy(() -> decode(text)).hasMessageContaining("a text of 1 bytes that is not UTF-8");
    }

    @Test
    void aForeignProtocolIsNamed() {
        byte[] bytes = MessageCodec.encode(new Welcome(1, new RunId(0, 0), 1, false, MEMBER, SilenceLimits.DEFAULT));
        bytes[1] = 'H';

        assertThatThrownBy(() -> decode(bytes))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("does not use this protocol");
    }

    @Test
    void aGroupKeyOfAnotherLengthIsRefused() {
        byte[] bytes =
                ByteBuffer.allocate(25).put((byte) 19).putInt(1).putInt(16).array();

        assertThatThrownBy(() -> decode(bytes))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("a group key of 16 bytes, not 32");
    }

    private static Message decode(byte[] bytes) {
        return MessageCodec.decode(ByteBuffer.wrap(bytes));
    }
}
