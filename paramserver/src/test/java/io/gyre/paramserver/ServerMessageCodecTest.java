package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.gyre.ElementType;
import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
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
                new Request.MappedPush(7, ID, ORIGIN, "parameters-1"),
                new Request.AwaitVersion(7, 8),
                new Request.SentPull(7, 9),
                new Request.MappedPull(7, 9),
                new Request.Finish(7),
                new Request.Resume(7, 9),
                new Request.Rejoin(7, 9),
                new Request.CountStaleness(7),
                new Reply.Refused("no room"),
                new Reply.Done(),
                new Reply.Opened(7, 1, 2, "parameters-0", ""),
                new Reply.Applied(5),
                new Reply.Reached(5),
                new Reply.Content(5),
                new Reply.StepGranted(5, Long.MAX_VALUE),
                new Reply.Counted(-1),
                new Reply.Rejoined(6),
                new Reply.StalenessCounted(StalenessHistogramTest.of(0, 4, 40)));
    }

    private static ServerMessage decode(ServerMessage like, ByteBuffer bytes, int length) {
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
        Stream.of(0, 28, -1).forEach(code -> {
            bytes.put(0, code.byteValue());
            assertThatExceptionOfType(ProtocolException.class)
                    .isThrownBy(() -> ServerMessageCodec.decodeRequest(bytes, 0, 1))
                    .withMessageContaining("unknown code " + code);
        });
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
