package io.gyre.paramserver;

import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a server answers. Data, if there are any, follow in frames of their own.
 *
 * @param call number of the question
 * @param failed whether the server refused; the text says why
 * @param buffer number of a buffer that was created or attached
 * @param version of the shard
 * @param clock least clock of all workers
 * @param sequence number of this client's last change
 * @param dataBytes how many bytes follow
 * @param text why it failed, or what was asked for
 */
record Answer(
        long call, boolean failed, int buffer, long version, long clock, long sequence, long dataBytes, String text) {

    private static final int FIXED_BYTES = 6 * Long.BYTES + 2 * Integer.BYTES;

    static Answer failure(long call, String reason) {
        return new Answer(call, true, -1, 0, 0, 0, 0, reason);
    }

    /** The same to another question. */
    Answer to(long newCall) {
        return new Answer(newCall, failed, buffer, version, clock, sequence, dataBytes, text);
    }

    ByteBuffer encode() {
        byte[] words = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocateDirect(FIXED_BYTES + words.length);
        out.putInt(failed ? 1 : 0).putInt(buffer);
        out.putLong(call).putLong(version).putLong(clock).putLong(sequence).putLong(dataBytes);
        return out.putLong(words.length).put(words).flip();
    }

    static Answer decode(ByteBuffer payload, int offset, int length) {
        ByteBuffer in = payload.duplicate().clear().position(offset).limit(offset + length);
        boolean failed = in.getInt() != 0;
        int buffer = in.getInt();
        long call = in.getLong();
        return new Answer(call, failed, buffer, in.getLong(), in.getLong(), in.getLong(), in.getLong(), readText(in));
    }

    static String readText(ByteBuffer in) {
        long length = in.getLong();
        if (length < 0 || length > in.remaining()) {
            throw new ProtocolException("a text of " + length + " bytes, of which " + in.remaining() + " are there");
        }
        byte[] bytes = new byte[(int) length];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
