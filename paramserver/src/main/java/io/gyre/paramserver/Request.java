package io.gyre.paramserver;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a client asks of one server. Data, if there are any, follow in frames of their own.
 *
 * @param operation what is to be done
 * @param call number of the question among those of this client to this server, which the answer repeats; the same when it is
 *     asked again
 * @param incarnation number of the client's process
 * @param sequence number of the change, see {@link PushLedger}; 0 if it is none
 * @param buffer number of the buffer, as the server gave it
 * @param offset where in the server's shard, in bytes
 * @param length how many bytes are meant
 * @param step optimiser step of the client; for {@link Operation#AWAIT} the version
 * @param seen version of the parameters that the client computed with
 * @param seenClock clock up to which these held everything
 * @param weight number of examples
 * @param epoch pass over the data
 * @param text name of the buffer; for {@link Operation#PUSH} that of the box in which its data lie, empty if they follow
 */
record Request(
        Operation operation,
        long call,
        long incarnation,
        long sequence,
        int buffer,
        long offset,
        long length,
        long step,
        long seen,
        long seenClock,
        long weight,
        int epoch,
        String text) {

    private static final int FIXED_BYTES = 11 * Long.BYTES + 2 * Integer.BYTES;

    /** A request about a buffer without more to say. */
    static Request of(Operation operation, int buffer) {
        return new Request(operation, 0, 0, 0, buffer, 0, 0, 0, 0, 0, 0, 0, "");
    }

    static Request about(Operation operation, String text) {
        return new Request(operation, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, text);
    }

    Request withRange(long newOffset, long newLength) {
        return new Request(
                operation,
                call,
                incarnation,
                sequence,
                buffer,
                newOffset,
                newLength,
                step,
                seen,
                seenClock,
                weight,
                epoch,
                text);
    }

    Request withStep(long newStep, long newSeen, long newSeenClock, long newWeight, int newEpoch) {
        return new Request(
                operation,
                call,
                incarnation,
                sequence,
                buffer,
                offset,
                length,
                newStep,
                newSeen,
                newSeenClock,
                newWeight,
                newEpoch,
                text);
    }

    Request withText(String newText) {
        return new Request(
                operation,
                call,
                incarnation,
                sequence,
                buffer,
                offset,
                length,
                step,
                seen,
                seenClock,
                weight,
                epoch,
                newText);
    }

    Request numbered(long newCall, long newIncarnation, long newSequence) {
        return new Request(
                operation,
                newCall,
                newIncarnation,
                newSequence,
                buffer,
                offset,
                length,
                step,
                seen,
                seenClock,
                weight,
                epoch,
                text);
    }

    /** Whether the data lie in memory that client and server have mapped, and do not follow. */
    boolean isLeft() {
        return operation == Operation.PUSH && !text.isEmpty();
    }

    /** Bytes of data that follow. */
    long dataBytes() {
        return operation.carriesData() && !isLeft() ? length : 0;
    }

    ByteBuffer encode() {
        byte[] name = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocateDirect(FIXED_BYTES + name.length);
        out.putInt(operation.code()).putInt(buffer);
        out.putLong(call).putLong(incarnation).putLong(sequence).putLong(offset).putLong(length);
        out.putLong(step).putLong(seen).putLong(seenClock).putLong(weight).putLong(epoch);
        return out.putLong(name.length).put(name).flip();
    }

    static Request decode(ByteBuffer payload, int offset, int length) {
        ByteBuffer in = payload.duplicate().clear().position(offset).limit(offset + length);
        Operation operation = Operation.of(in.getInt());
        int buffer = in.getInt();
        return new Request(
                operation,
                in.getLong(),
                in.getLong(),
                in.getLong(),
                buffer,
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                in.getLong(),
                (int) in.getLong(),
                Answer.readText(in));
    }
}
