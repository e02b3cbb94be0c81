package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.ProtocolException;
import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * Messages as bytes: a code, then the fields in the order of their declaration, big-endian; a text is preceded by its length.
 *
 * <p>An instance owns the buffer into which it encodes, and uses it again for every message: a message that is handed to a link
 * is copied there. One thread at a time. Decoding needs no instance.
 *
 * <p>Lengths that come from outside are compared with the bytes that are there before anything is allocated.
 */
final class ServerMessageCodec {

    /** Enough for all messages but those with long names or reasons. */
    private static final int FIRST_BYTES = 256;

    /** How one sort of message is written and read. */
    private record Format<T extends ServerMessage>(
            int code, Class<T> type, BiConsumer<T, ByteBuffer> writer, Function<ByteBuffer, T> reader) {

        void write(ServerMessage message, ByteBuffer out) {
            out.put((byte) code);
            writer.accept(type.cast(message), out);
        }
    }

    private static final List<Format<?>> FORMATS = List.of(
            new Format<>(
                    1,
                    Request.Create.class,
                    (m, out) -> put(m.buffer(), out).putLong(m.incarnation()),
                    in -> new Request.Create(getSpec(in), in.getLong())),
            new Format<>(
                    2,
                    Request.Attach.class,
                    (m, out) -> put(m.buffer(), out).putLong(m.incarnation()),
                    in -> new Request.Attach(getSpec(in), in.getLong())),
            new Format<>(3, Request.Leave.class, (m, out) -> {}, in -> new Request.Leave()),
            new Format<>(
                    4, Request.Free.class, (m, out) -> out.putInt(m.buffer()), in -> new Request.Free(in.getInt())),
            new Format<>(
                    5, Request.Read.class, (m, out) -> out.putInt(m.buffer()), in -> new Request.Read(in.getInt())),
            new Format<>(
                    6,
                    Request.Write.class,
                    (m, out) -> put(m.id(), out.putInt(m.buffer())),
                    in -> new Request.Write(in.getInt(), getId(in))),
            new Format<>(
                    7,
                    Request.Accumulate.class,
                    (m, out) -> put(m.id(), out.putInt(m.buffer())),
                    in -> new Request.Accumulate(in.getInt(), getId(in))),
            new Format<>(
                    8,
                    Request.FetchAndAdd.class,
                    (m, out) -> put(m.id(), out.putInt(m.buffer())).putLong(m.delta()),
                    in -> new Request.FetchAndAdd(in.getInt(), getId(in), in.getLong())),
            new Format<>(
                    9,
                    Request.SentPush.class,
                    (m, out) -> put(m.origin(), put(m.id(), out.putInt(m.buffer()))),
                    in -> new Request.SentPush(in.getInt(), getId(in), getOrigin(in))),
            new Format<>(
                    10,
                    Request.MappedPush.class,
                    (m, out) -> put(m.box(), put(m.origin(), put(m.id(), out.putInt(m.buffer())))),
                    in -> new Request.MappedPush(in.getInt(), getId(in), getOrigin(in), getText(in))),
            new Format<>(
                    11,
                    Request.AwaitVersion.class,
                    (m, out) -> out.putInt(m.buffer()).putLong(m.version()),
                    in -> new Request.AwaitVersion(in.getInt(), in.getLong())),
            new Format<>(
                    12,
                    Request.SentPull.class,
                    (m, out) -> out.putInt(m.buffer()).putLong(m.step()),
                    in -> new Request.SentPull(in.getInt(), in.getLong())),
            new Format<>(
                    13,
                    Request.MappedPull.class,
                    (m, out) -> out.putInt(m.buffer()).putLong(m.step()),
                    in -> new Request.MappedPull(in.getInt(), in.getLong())),
            new Format<>(
                    14,
                    Request.Finish.class,
                    (m, out) -> out.putInt(m.buffer()),
                    in -> new Request.Finish(in.getInt())),
            new Format<>(
                    15,
                    Request.Resume.class,
                    (m, out) -> out.putInt(m.buffer()).putLong(m.step()),
                    in -> new Request.Resume(in.getInt(), in.getLong())),
            new Format<>(
                    16,
                    Request.Rejoin.class,
                    (m, out) -> out.putInt(m.buffer()).putLong(m.step()),
                    in -> new Request.Rejoin(in.getInt(), in.getLong())),
            new Format<>(
                    17,
                    Request.CountStaleness.class,
                    (m, out) -> out.putInt(m.buffer()),
                    in -> new Request.CountStaleness(in.getInt())),
            new Format<>(
                    18, Reply.Refused.class, (m, out) -> put(m.reason(), out), in -> new Reply.Refused(getText(in))),
            new Format<>(19, Reply.Done.class, (m, out) -> {}, in -> new Reply.Done()),
            new Format<>(
                    20,
                    Reply.Opened.class,
                    (m, out) -> put(
                            m.pushBox(),
                            put(
                                    m.shardBox(),
                                    out.putInt(m.buffer()).putLong(m.version()).putLong(m.lastChange()))),
                    in -> new Reply.Opened(in.getInt(), in.getLong(), in.getLong(), getText(in), getText(in))),
            new Format<>(
                    21,
                    Reply.Applied.class,
                    (m, out) -> out.putLong(m.version()),
                    in -> new Reply.Applied(in.getLong())),
            new Format<>(
                    22,
                    Reply.Reached.class,
                    (m, out) -> out.putLong(m.version()),
                    in -> new Reply.Reached(in.getLong())),
            new Format<>(
                    23,
                    Reply.Content.class,
                    (m, out) -> out.putLong(m.version()),
                    in -> new Reply.Content(in.getLong())),
            new Format<>(
                    24,
                    Reply.StepGranted.class,
                    (m, out) -> out.putLong(m.version()).putLong(m.clock()),
                    in -> new Reply.StepGranted(in.getLong(), in.getLong())),
            new Format<>(
                    25,
                    Reply.Counted.class,
                    (m, out) -> out.putLong(m.before()),
                    in -> new Reply.Counted(in.getLong())),
            new Format<>(
                    26,
                    Reply.Rejoined.class,
                    (m, out) -> out.putLong(m.step()),
                    in -> new Reply.Rejoined(in.getLong())),
            new Format<>(
                    27,
                    Reply.StalenessCounted.class,
                    (m, out) -> put(m.histogram(), out),
                    in -> new Reply.StalenessCounted(getHistogram(in))));

    private static final Map<Class<?>, Format<?>> BY_TYPE = byType();

    private ByteBuffer encoded = ByteBuffer.allocateDirect(FIRST_BYTES);

    private static Map<Class<?>, Format<?>> byType() {
        Map<Class<?>, Format<?>> formats = new HashMap<>();
        for (Format<?> format : FORMATS) {
            formats.put(format.type(), format);
            if (FORMATS.indexOf(format) != format.code() - 1) {
                throw new AssertionError(format.type() + " does not stand at the place of its code");
            }
        }
        return formats;
    }

    /** The bytes of a message, from 0 to the limit: valid until the next one is encoded. */
    ByteBuffer encode(ServerMessage message) {
        Format<?> format = BY_TYPE.get(message.getClass());
        if (format == null) {
            throw new IllegalStateException(
                    "no format for " + message.getClass().getSimpleName());
        }
        for (; ; encoded = ByteBuffer.allocateDirect(2 * encoded.capacity())) {
            try {
                format.write(message, encoded.clear());
                return encoded.flip();
            } catch (BufferOverflowException e) {
                // Once per length: the longer buffer is kept.
            }
        }
    }

    /** Reads a request that takes {@code length} bytes from {@code offset}. */
    static Request<?> decodeRequest(ByteBuffer payload, int offset, int length) {
        if (decode(payload, offset, length) instanceof Request<?> request) {
            return request;
        }
        throw new ProtocolException("a reply came where a request was due");
    }

    /** Reads a reply that takes {@code length} bytes from {@code offset}. */
    static Reply decodeReply(ByteBuffer payload, int offset, int length) {
        if (decode(payload, offset, length) instanceof Reply reply) {
            return reply;
        }
        throw new ProtocolException("a request came where a reply was due");
    }

    private static ServerMessage decode(ByteBuffer payload, int offset, int length) {
        ByteBuffer in = payload.duplicate().clear().position(offset).limit(offset + length);
        try {
            int code = in.get();
            if (code < 1 || code > FORMATS.size()) {
                throw new ProtocolException("a message between client and server has the unknown code " + code);
            }
            ServerMessage message = FORMATS.get(code - 1).reader().apply(in);
            if (in.hasRemaining()) {
                throw new ProtocolException(
                        message.getClass().getSimpleName() + " has " + in.remaining() + " bytes too many");
            }
            return message;
        } catch (BufferUnderflowException e) {
            throw new ProtocolException(
                    "a message between client and server ends too early, after " + length + " bytes");
        }
    }

    private static ByteBuffer put(BufferSpec spec, ByteBuffer out) {
        put(spec.name(), out);
        return out.put((byte) spec.type().bytes()).putLong(spec.elements()).put((byte) (spec.trained() ? 1 : 0));
    }

    private static BufferSpec getSpec(ByteBuffer in) {
        return new BufferSpec(getText(in), getType(in), in.getLong(), in.get() != 0);
    }

    private static ElementType getType(ByteBuffer in) {
        int bytes = in.get();
        for (ElementType type : ElementType.values()) {
            if (type.bytes() == bytes) {
                return type;
            }
        }
        throw new ProtocolException("elements of " + bytes + " bytes");
    }

    private static ByteBuffer put(ChangeId id, ByteBuffer out) {
        return out.putLong(id.incarnation()).putLong(id.sequence());
    }

    private static ChangeId getId(ByteBuffer in) {
        return new ChangeId(in.getLong(), in.getLong());
    }

    private static ByteBuffer put(GradientOrigin origin, ByteBuffer out) {
        return out.putLong(origin.step())
                .putLong(origin.version())
                .putLong(origin.clock())
                .putLong(origin.examples())
                .putInt(origin.epoch());
    }

    private static GradientOrigin getOrigin(ByteBuffer in) {
        return new GradientOrigin(in.getLong(), in.getLong(), in.getLong(), in.getLong(), in.getInt());
    }

    private static ByteBuffer put(StalenessHistogram histogram, ByteBuffer out) {
        out.putLong(histogram.max()).putLong(histogram.sum());
        for (long count : histogram.counts()) {
            out.putLong(count);
        }
        return out;
    }

    private static StalenessHistogram getHistogram(ByteBuffer in) {
        long max = in.getLong();
        long sum = in.getLong();
        List<Long> counts = new ArrayList<>();
        for (int bin = 0; bin < StalenessHistogram.BINS; bin++) {
            counts.add(in.getLong());
        }
        return new StalenessHistogram(counts, max, sum);
    }

    private static ByteBuffer put(String text, ByteBuffer out) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return out.putInt(bytes.length).put(bytes);
    }

    private static String getText(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new ProtocolException("a text of " + length + " bytes, of which " + in.remaining() + " are there");
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
