package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.membership.Message;
import io.gyre.membership.MessageCodec;
import java.nio.ByteBuffer;

/** Control messages. Here and not beside the codec, because the core does not know the testkit. */
class MessageCodecFuzzTest {

    @FuzzTest
    void decode(byte[] bytes) {
        Message message = ParserContract.parse(
                bytes.length, () -> MessageCodec.decode(ByteBuffer.wrap(bytes)), ProtocolException.class);
        if (message != null) {
            byte[] again = MessageCodec.encode(message);
            assertThat(MessageCodec.decode(ByteBuffer.wrap(again))).isEqualTo(message);
        }
    }
}
