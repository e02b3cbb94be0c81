package io.gyre.paramserver;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.testkit.ParserContract;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * An encoded gradient, as a server reads it: the number of a codec (1 byte), the number of elements (2), the bytes that
 * came for them.
 */
class PushCodecFuzzTest {

    /** For the tables of a codec, at 200 bytes each. */
    private static final long CODEC_BYTES = 16 << 10;

    @FuzzTest
    void decode(byte[] bytes) {
        if (bytes.length < 3) {
            return;
        }
        ParserContract.parse(
                CODEC_BYTES + bytes.length,
                () -> {
                    decode(ByteBuffer.wrap(bytes));
                    return true;
                },
                ProtocolException.class);
    }

    private static void decode(ByteBuffer in) {
        List<String> words = PushCodecTest.words();
        PushCodec codec = PushCodecTest.codec(words.get(Math.floorMod(in.get(), words.size())));
        int elements = in.getShort() & 0xffff;
        Region encoded = Region.allocate("encoded", in.remaining());
        ByteBuffer direct = ByteBuffer.allocateDirect(in.remaining()).put(in).flip();
        encoded.copyFrom(0, direct, 0, direct.limit());
        codec.decode(encoded, 0, 0, Region.allocate("decoded", (long) elements * Float.BYTES));
    }
}
