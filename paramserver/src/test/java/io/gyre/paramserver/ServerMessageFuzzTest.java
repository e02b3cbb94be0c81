package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.testkit.ParserContract;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Messages between clients and servers. */
class ServerMessageFuzzTest {

    @FuzzTest
    void decode(byte[] bytes) {
        ByteBuffer payload = ByteBuffer.wrap(bytes);
        ServerMessage request = ParserContract.parse(
                bytes.length,
                () -> ServerMessageCodec.decodeRequest(payload, 0, bytes.length),
                ProtocolException.class);
        ServerMessage reply = ParserContract.parse(
                bytes.length, () -> ServerMessageCodec.decodeReply(payload, 0, bytes.length), ProtocolException.class);
        ServerMessage copy = ParserContract.parse(
                bytes.length, () -> ServerMessageCodec.decodeCopy(payload, 0, bytes.length), ProtocolException.class);

        List<ServerMessage> read =
                Stream.of(request, reply, copy).filter(Objects::nonNull).toList();
        assertThat(read).hasSizeLessThanOrEqualTo(1);
        for (ServerMessage message : read) {
            assertThat(new ServerMessageCodec().encode(message)).isEqualTo(payload);
        }
    }
}
