package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Reads the fields that a {@link FieldWriter} has written, in the same order. The bytes come from another process:
 * every length is compared with the bytes that are there before anything is allocated, and a value that no writer
 * writes is rejected with a {@link ProtocolException}.
 */
final class FieldReader {

    private final ByteBuffer in;
    private final int length;

    /** Starts to read a message of {@code length} bytes at {@code offset}. */
    FieldReader(ByteBuffer payload, int offset, int length) {
        in = payload.duplicate().clear().position(offset).limit(offset + length);
        this.length = length;
    }

    /** Fails unless everything has been read. */
    void end() {
        if (in.hasRemaining()) {
            throw new ProtocolException(
                    in.remaining() + " bytes too many in a message of " + length + " bytes between client and server");
        }
    }

    byte getByte() {
        return need(Byte.BYTES).get();
    }

    boolean getBoolean() {
        byte value = getByte();
        if (value != 0 && value != 1) {
            throw new ProtocolException("a truth value of " + value + ": it is 0 or 1");
        }
        return value == 1;
    }

    int getInt() {
        return need(Integer.BYTES).getInt();
    }

    long getLong() {
        return need(Long.BYTES).getLong();
    }

    String getText() {
        int bytes = getInt();
        if (bytes < 0) {
            throw new ProtocolException("a text of " + bytes + " bytes");
        }
        ByteBuffer encoded = need(bytes).slice(in.position(), bytes);
        in.position(in.position() + bytes);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(encoded).toString();
        } catch (CharacterCodingException e) {
            throw new ProtocolException("a text of " + bytes + " bytes is not UTF-8: " + e.getMessage());
        }
    }

    BufferSpec getBufferSpec() {
        String name = getText();
        ElementType type = getElementType();
        long elements = getLong();
        if (!BufferSpec.isPossible(type, elements)) {
            throw new ProtocolException("buffer '" + name + "' with " + elements + " elements");
        }
        return new BufferSpec(name, type, elements, getBoolean());
    }

    private ElementType getElementType() {
        int bytes = getByte();
        for (ElementType type : ElementType.values()) {
            if (type.bytes() == bytes) {
                return type;
            }
        }
        throw new ProtocolException("elements of " + bytes + " bytes");
    }

    ChangeId getChangeId() {
        long incarnation = getLong();
        long sequence = getLong();
        if (sequence < ChangeId.FIRST) {
            throw new ProtocolException("change number " + sequence + ": the first is " + ChangeId.FIRST);
        }
        return new ChangeId(incarnation, sequence);
    }

    GradientOrigin getGradientOrigin() {
        return new GradientOrigin(getLong(), getLong(), getLong(), getLong(), getInt());
    }

    StalenessHistogram getHistogram() {
        long max = getLong();
        long sum = getLong();
        List<Long> counts = new ArrayList<>();
        for (int bin = 0; bin < StalenessHistogram.BINS; bin++) {
            counts.add(getLong());
        }
        return new StalenessHistogram(counts, max, sum);
    }

    double getDouble() {
        return Double.longBitsToDouble(getLong());
    }

    Shard.Creation getCreation() {
        return new Shard.Creation(getInt(), getLong(), getLong());
    }

    CopyMessage.TrainedState getTrainedState() {
        return new CopyMessage.TrainedState(
                getLong(),
                getInt(),
                getDouble(),
                getLong(),
                getList(FieldReader::getLong),
                getList(FieldReader::getBoolean),
                getHistogram());
    }

    /** Reads a list, of which every entry takes a byte at least. */
    <T> List<T> getList(Function<FieldReader, T> each) {
        int count = getInt();
        if (count < 0 || count > in.remaining()) {
            throw new ProtocolException(
                    "a list of " + count + " entries, for which " + in.remaining() + " bytes are there");
        }
        List<T> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            list.add(each.apply(this));
        }
        return list;
    }

    private ByteBuffer need(int bytes) {
        if (in.remaining() < bytes) {
            throw new ProtocolException("a message between client and server ends after " + length + " bytes, "
                    + (bytes - in.remaining()) + " too early");
        }
        return in;
    }
}
