package io.gyre.paramserver;

import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Encodes messages as bytes: a code, then the fields in the order of their declaration.
 *
 * <p>A new message gets an entry in the table below, and a code that was never used before. A changed entry requires a
 * new {@linkplain ServerMessage#PROTOCOL_VERSION version of the protocol}.
 *
 * <p>An instance reuses the bytes that it returns for its next message: copy them before. Used by one thread at a time.
 * Decoding needs no instance.
 */
final class ServerMessageCodec {

    private static final List<Format<?>> FORMATS = List.of(
            new Format<>(
                    1,
                    Request.Create.class,
                    (m, out) -> out.put(m.spec()).put(m.incarnation()),
                    in -> new Request.Create(in.getBufferSpec(), in.getLong())),
            new Format<>(
                    2,
                    Request.Attach.class,
                    (m, out) -> out.put(m.spec()).put(m.incarnation()),
                    in -> new Request.Attach(in.getBufferSpec(), in.getLong())),
            new Format<>(3, Request.Leave.class, (m, out) -> {}, in -> new Request.Leave()),
            new Format<>(4, Request.Free.class, (m, out) -> out.put(m.buffer()), in -> new Request.Free(in.getInt())),
            new Format<>(5, Request.Read.class, (m, out) -> out.put(m.buffer()), in -> new Request.Read(in.getInt())),
            new Format<>(
                    6,
                    Request.Write.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()),
                    in -> new Request.Write(in.getInt(), in.getChangeId())),
            new Format<>(
                    7,
                    Request.Accumulate.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()),
                    in -> new Request.Accumulate(in.getInt(), in.getChangeId())),
            new Format<>(
                    8,
                    Request.FetchAndAdd.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()).put(m.delta()),
                    in -> new Request.FetchAndAdd(in.getInt(), in.getChangeId(), in.getLong())),
            new Format<>(
                    9,
                    Request.SentPush.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()).put(m.origin()),
                    in -> new Request.SentPush(in.getInt(), in.getChangeId(), in.getGradientOrigin())),
            new Format<>(
                    10,
                    Request.MappedPush.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()).put(m.origin()).put(m.box()),
                    in -> new Request.MappedPush(in.getInt(), in.getChangeId(), in.getGradientOrigin(), in.getText())),
            new Format<>(
                    11,
                    Request.AwaitVersion.class,
                    (m, out) -> out.put(m.buffer()).put(m.version()),
                    in -> new Request.AwaitVersion(in.getInt(), in.getLong())),
            new Format<>(
                    12,
                    Request.SentPull.class,
                    (m, out) -> out.put(m.buffer()).put(m.step()),
                    in -> new Request.SentPull(in.getInt(), in.getLong())),
            new Format<>(
                    13,
                    Request.MappedPull.class,
                    (m, out) -> out.put(m.buffer()).put(m.step()),
                    in -> new Request.MappedPull(in.getInt(), in.getLong())),
            new Format<>(
                    14, Request.Finish.class, (m, out) -> out.put(m.buffer()), in -> new Request.Finish(in.getInt())),
            new Format<>(
                    15,
                    Request.Resume.class,
                    (m, out) -> out.put(m.buffer()).put(m.step()),
                    in -> new Request.Resume(in.getInt(), in.getLong())),
            new Format<>(
                    16,
                    Request.Rejoin.class,
                    (m, out) -> out.put(m.buffer()).put(m.step()),
                    in -> new Request.Rejoin(in.getInt(), in.getLong())),
            new Format<>(
                    17,
                    Request.CountStaleness.class,
                    (m, out) -> out.put(m.buffer()),
                    in -> new Request.CountStaleness(in.getInt())),
            new Format<>(
                    18,
                    Request.ReadSlot.class,
                    (m, out) -> out.put(m.buffer()).put(m.slot()),
                    in -> new Request.ReadSlot(in.getInt(), in.getInt())),
            new Format<>(
                    19,
                    Request.WriteSlot.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()).put(m.slot()),
                    in -> new Request.WriteSlot(in.getInt(), in.getChangeId(), in.getInt())),
            new Format<>(
                    20,
                    Request.CountFrom.class,
                    (m, out) -> out.put(m.buffer()).put(m.updates()),
                    in -> new Request.CountFrom(in.getInt(), in.getLong())),
            new Format<>(
                    21,
                    Request.EncodedPush.class,
                    (m, out) -> out.put(m.buffer()).put(m.id()).put(m.origin()),
                    in -> new Request.EncodedPush(in.getInt(), in.getChangeId(), in.getGradientOrigin())),
            new Format<>(
                    65, Reply.Refused.class, (m, out) -> out.put(m.reason()), in -> new Reply.Refused(in.getText())),
            new Format<>(66, Reply.Done.class, (m, out) -> {}, in -> new Reply.Done()),
            new Format<>(
                    67,
                    Reply.Opened.class,
                    (m, out) -> out.put(m.buffer())
                            .put(m.version())
                            .put(m.lastChange())
                            .put(m.shardBox())
                            .put(m.pushBox()),
                    in -> new Reply.Opened(in.getInt(), in.getLong(), in.getLong(), in.getText(), in.getText())),
            new Format<>(
                    68, Reply.Applied.class, (m, out) -> out.put(m.version()), in -> new Reply.Applied(in.getLong())),
            new Format<>(
                    69, Reply.Reached.class, (m, out) -> out.put(m.version()), in -> new Reply.Reached(in.getLong())),
            new Format<>(
                    70, Reply.Content.class, (m, out) -> out.put(m.version()), in -> new Reply.Content(in.getLong())),
            new Format<>(
                    71,
                    Reply.StepGranted.class,
                    (m, out) -> out.put(m.version()).put(m.clock()),
                    in -> new Reply.StepGranted(in.getLong(), in.getLong())),
            new Format<>(
                    72, Reply.Counted.class, (m, out) -> out.put(m.before()), in -> new Reply.Counted(in.getLong())),
            new Format<>(
                    73, Reply.Rejoined.class, (m, out) -> out.put(m.step()), in -> new Reply.Rejoined(in.getLong())),
            new Format<>(
                    74,
                    Reply.StalenessCounted.class,
                    (m, out) -> out.put(m.histogram()),
                    in -> new Reply.StalenessCounted(in.getHistogram())),
            new Format<>(75, Reply.Elsewhere.class, (m, out) -> {}, in -> new Reply.Elsewhere()));

    private static final List<Format<?>> OF_COPIES = List.of(
            new Format<>(
                    96,
                    CopyMessage.Passed.class,
                    (m, out) -> {
                        out.put(m.rank()).put(m.call());
                        format(m.request()).write(m.request(), out);
                    },
                    in -> new CopyMessage.Passed(in.getInt(), in.getLong(), request(message(in)))),
            new Format<>(
                    97,
                    CopyMessage.Ended.class,
                    (m, out) -> out.put(m.rank()),
                    in -> new CopyMessage.Ended(in.getInt())),
            new Format<>(
                    98,
                    CopyMessage.BeginState.class,
                    (m, out) -> out.put(m.nextNumber()).put(m.anyLeft()),
                    in -> new CopyMessage.BeginState(in.getInt(), in.getBoolean())),
            new Format<>(
                    99,
                    CopyMessage.BufferState.class,
                    (m, out) -> out.put(m.number())
                            .put(m.spec())
                            .put(m.creation())
                            .put(m.changes())
                            .put(m.ledger(), ServerMessageCodec::put)
                            .put(m.training(), (state, to) -> to.put(state)),
                    in -> new CopyMessage.BufferState(
                            in.getInt(),
                            in.getBufferSpec(),
                            in.getCreation(),
                            in.getLong(),
                            in.getList(ServerMessageCodec::lastChange),
                            in.getList(FieldReader::getTrainedState))),
            new Format<>(
                    100,
                    CopyMessage.SumState.class,
                    (m, out) -> out.put(m.buffer()),
                    in -> new CopyMessage.SumState(in.getInt())),
            new Format<>(
                    101,
                    CopyMessage.SlotState.class,
                    (m, out) -> out.put(m.buffer()).put(m.slot()),
                    in -> new CopyMessage.SlotState(in.getInt(), in.getInt())),
            new Format<>(102, CopyMessage.EndState.class, (m, out) -> {}, in -> new CopyMessage.EndState()));

    private static void put(CopyMessage.LastChange change, FieldWriter out) {
        out.put(change.rank())
                .put(change.incarnation())
                .put(change.sequence())
                .put(change.reply(), (reply, to) -> format(reply).write(reply, to));
    }

    private static CopyMessage.LastChange lastChange(FieldReader in) {
        return new CopyMessage.LastChange(
                in.getInt(), in.getLong(), in.getLong(), in.getList(one -> reply(message(one))));
    }

    private static final Map<Class<?>, Format<?>> BY_TYPE = new HashMap<>();
    private static final Format<?>[] BY_CODE = new Format<?>[Byte.MAX_VALUE + 1];

    static {
        Stream.concat(FORMATS.stream(), OF_COPIES.stream()).forEach(format -> {
            if (BY_CODE[format.code] != null || BY_TYPE.put(format.type, format) != null) {
                throw new AssertionError("two formats of " + format.type + " or with code " + format.code);
            }
            BY_CODE[format.code] = format;
        });
    }

    private final FieldWriter out = new FieldWriter();

    /** How messages of one type are written and read. */
    private record Format<T extends ServerMessage>(
            int code, Class<T> type, BiConsumer<T, FieldWriter> writer, Function<FieldReader, T> reader) {

        void write(ServerMessage message, FieldWriter out) {
            out.put((byte) code);
            writer.accept(type.cast(message), out);
        }
    }

    private static Format<?> format(ServerMessage message) {
        Format<?> format = BY_TYPE.get(message.getClass());
        if (format == null) {
            throw new IllegalStateException("no format for " + message.getClass());
        }
        return format;
    }

    /** Encodes a message, from 0 to the limit: valid until the next one is encoded. */
    ByteBuffer encode(ServerMessage message) {
        format(message).write(message, out.begin());
        return out.end();
    }

    /**
     * Decodes a request of {@code length} bytes at {@code offset}.
     *
     * @throws ProtocolException if the bytes are not a request
     */
    static Request<?> decodeRequest(ByteBuffer payload, int offset, int length) {
        return request(decode(payload, offset, length));
    }

    private static Request<?> request(ServerMessage message) {
        if (message instanceof Request<?> request) {
            return request;
        }
        throw new ProtocolException("a reply, " + message + ", came where a request was due");
    }

    /**
     * Decodes a reply of {@code length} bytes at {@code offset}.
     *
     * @throws ProtocolException if the bytes are not a reply
     */
    static Reply decodeReply(ByteBuffer payload, int offset, int length) {
        return reply(decode(payload, offset, length));
    }

    private static Reply reply(ServerMessage message) {
        if (message instanceof Reply reply) {
            return reply;
        }
        throw new ProtocolException("a request, " + message + ", came where a reply was due");
    }

    /**
     * Decodes what the primary copy of a shard tells its backup.
     *
     * @throws ProtocolException if the bytes are something else
     */
    static CopyMessage decodeCopy(ByteBuffer payload, int offset, int length) {
        ServerMessage message = decode(payload, offset, length);
        if (message instanceof CopyMessage copy) {
            return copy;
        }
        throw new ProtocolException(message + " came where a message to a backup was due");
    }

    private static ServerMessage decode(ByteBuffer payload, int offset, int length) {
        FieldReader in = new FieldReader(payload, offset, length);
        ServerMessage message = message(in);
        in.end();
        return message;
    }

    private static ServerMessage message(FieldReader in) {
        byte code = in.getByte();
        Format<?> format = code < 0 ? null : BY_CODE[code];
        if (format == null) {
            throw new ProtocolException("a message between client and server has the unknown code " + code);
        }
        return format.reader.apply(in);
    }
}
