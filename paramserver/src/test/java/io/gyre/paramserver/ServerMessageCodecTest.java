package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.gyre.ElementType;
import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ServerMessageCodecTest {

    private static final BufferSpec BUFFER = new BufferSpec("größe", ElementType.FLOAT64, 1L << 40, true);
    private static final ChangeId ID = new ChangeId(3, 1L << 50);
    private static final GradientOrigin ORIGIN = new GradientOrigin(11, 12, 13, 14, 15);

    private final ServerMessageCodec codec = new ServerMessageCodec();

    static List<ServerMessage> messages() {
        return List.of(
                new Request.Create(BUFFER, 2),
                new Request.Attach(new BufferSpec("", ElementType.FLOAT32, 0, false), 0),
                new Request.Leave(),
                new Request.Free(7),
                new Request.Read(7),
                new Request.Write(7, ID),
                new Request.Accumulate(7, ID),
                new Request.FetchAndAdd(7, ID, -5),
                new Request.SentPush(7, ID, ORIGIN),
                new Request.EncodedPush(7, ID, ORIGIN),
                new Request.MappedPush(7, ID, ORIGIN, "parameters-1"),
                new Request.AwaitVersion(7, 8),
                new Request.SentPull(7, 9),
                new Request.MappedPull(7, 9),
                new Request.Finish(7),
                new Request.Resume(7, 9),
                new Request.Rejoin(7, 9),
                new Request.CountStaleness(7),
                new Request.ReadSlot(7, 1),
                new Request.WriteSlot(7, ID, 1),
                new Request.CountFrom(7, 1L << 40),
                new Reply.Refused("no room"),
                new Reply.Done(),
                new Reply.Elsewhere(),
                new Reply.Opened(7, 1, 2, "parameters-0", ""),
                new Reply.Applied(5),
                new Reply.Reached(5),
                new Reply.Content(5),
                new Reply.StepGranted(5, Long.MAX_VALUE),
                new Reply.Counted(-1),
                new Reply.Rejoined(6),
                new Reply.StalenessCounted(StalenessHistogramTest.of(0, 4, 40)),
                new CopyMessage.Passed(2, 1L << 40, new Request.SentPush(7, ID, ORIGIN)),
                new CopyMessage.Ended(2),
                new CopyMessage.BeginState(8, true),
                new CopyMessage.BufferState(
                        7,
                        BUFFER,
                        new Shard.Creation(2, 1, 9),
                        11,
                        List.of(
                                new CopyMessage.LastChange(0, 1, 2, List.of(new Reply.Applied(5))),
                                new CopyMessage.LastChange(1, 0, 0, List.of())),
                        List.of(new CopyMessage.TrainedState(
                                5, 2, 0.5, 3, List.of(4L, 3L), List.of(false, true), StalenessHistogramTest.of(1, 2)))),
                new CopyMessage.SumState(7),
                new CopyMessage.SlotState(7, 1),
                new CopyMessage.EndState());
    }

    private static ServerMessage decode(ServerMessage like, ByteBuffer bytes, int length) {
        if (like instanceof CopyMessage) {
            return ServerMessageCodec.decodeCopy(bytes, 0, length);
        }
        return like instanceof Request
                ? ServerMessageCodec.decodeRequest(bytes, 0, length)
                : ServerMessageCodec.decodeReply(bytes, 0, length);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void aMessageIsReadAsItWasWritten(ServerMessage message) {
        ByteBuffer bytes = codec.encode(message);

        assertThat(decode(message, bytes, bytes.limit())).isEqualTo(message);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void aMessageThatEndsTooEarlyOrTooLateIsRefused(ServerMessage message) {
        ByteBuffer bytes = codec.encode(message);
        for (int length = 0; length < bytes.limit(); length++) {
            int end = length;
            assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> decode(message, bytes, end));
        }
        int end = bytes.limit() + 1;
        assertThatExceptionOfType(ProtocolException.class).isThrownBy(() -> decode(message, bytes, end));
    }

    @Test
    void everyMessageIsTested() {
        Set<Class<?>> tested = messages().stream().map(Object::getClass).collect(Collectors.toSet());

        assertThat(records(ServerMessage.class)).containsExactlyInAnyOrderElementsOf(tested);
    }

    private static Set<Class<?>> records(Class<?> type) {
        return type.isRecord()
                ? Set.of(type)
                : Arrays.stream(type.getPermittedSubclasses())
                        .flatMap(each -> records(each).stream())
                        .collect(Collectors.toSet());
    }

    @Test
    void aRequestIsNoReplyAndAnUnknownCodeIsNeither() {
        ByteBuffer bytes = codec.encode(new Request.Leave());
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> ServerMessageCodec.decodeReply(bytes, 0, 1))
                .withMessageContaining("request");
        Stream.of(0, 22, 64, 76, 95, 103, 127, -1).forEach(code -> {
            bytes.put(0, code.byteValue());
            assertThatExceptionOfType(ProtocolException.class)
                    .isThrownBy(() -> ServerMessageCodec.decodeRequest(bytes, 0, 1))
                    .withMessageContaining("unknown code " + code);
        });
    }

    /** Positions of the fields follow from the class comments of the codec and of the writer. */
    @Test
    void valuesThatNobodyWritesAreRefused() {
        Request<?> attach = new Request.Attach(new BufferSpec("ab", ElementType.FLOAT32, 5, true), 3);
        int typeAt = 1 + Integer.BYTES + 2;
        assertRefused(attach, bytes -> bytes.putInt(1, -1), "a text of -1 bytes");
        assertRefused(attach, bytes -> bytes.putInt(1, Integer.MAX_VALUE), "too early");
        assertRefused(attach, bytes -> bytes.put(typeAt - 1, (byte) 0xC0), "not UTF-8");
        assertRefused(attach, bytes -> bytes.put(typeAt, (byte) 3), "elements of 3 bytes");
        assertRefused(attach, bytes -> bytes.putLong(typeAt + 1, -1), "'ab' with -1 elements");
        assertRefused(attach, bytes -> bytes.putLong(typeAt + 1, Long.MAX_VALUE / 2), "'ab' with", "elements");
        assertRefused(attach, bytes -> bytes.put(typeAt + 9, (byte) 2), "truth value of 2");
        assertRefused(new Request.Write(7, ID), bytes -> bytes.putLong(13, 0), "change number 0");
    }

    private void assertRefused(ServerMessage message, Consumer<ByteBuffer> garbling, String... words) {
        ByteBuffer bytes = codec.encode(message);
        garbling.accept(bytes);
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> decode(message, bytes, bytes.limit()))
                .withMessageContainingAll(words);
    }

    /** Garbled bytes that can be decoded are encoded as the same bytes again: no two messages have the same bytes. */
    @ParameterizedTest
    @MethodSource("messages")
    void garbledBytesAreRefusedOrAreAnotherMessage(ServerMessage message) {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 2_000; i++) {
            ByteBuffer bytes = codec.encode(message);
            byte[] garbled = new byte[bytes.limit()];
            bytes.get(garbled);
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                garbled[random.nextInt(garbled.length)] ^= (byte) (1 << random.nextInt(8));
            }
            ServerMessage read;
            try {
                read = decode(message, ByteBuffer.wrap(garbled), garbled.length);
            } catch (ProtocolException e) {
                assertThat(e).hasMessageNotContaining("null");
                continue;
            }
            ByteBuffer again = codec.encode(read);
            assertThat(again).isEqualTo(ByteBuffer.wrap(garbled));
        }
    }

    @Test
    void theBufferIsUsedAgainAndGrowsWithTheLongestMessage() {
        ByteBuffer first = codec.encode(new Request.Leave());
        assertThat(codec.encode(new Request.Read(1))).isSameAs(first);

        Reply refused = new Reply.Refused("x".repeat(10_000));
        ByteBuffer longer = codec.encode(refused);
        assertThat(ServerMessageCodec.decodeReply(longer, 0, longer.limit())).isEqualTo(refused);
        assertThat(codec.encode(new Request.Read(1))).isSameAs(longer);
    }
}
