package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.testkit.ParserContract;
import java.nio.ByteBuffer;

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

        ServerMessage message = request == null ? reply : request;
        if (message != null) {
            assertThat(request == null || reply == null).isTrue();
            assertThat(new ServerMessageCodec().encode(message)).isEqualTo(payload);
        }
    }
}
