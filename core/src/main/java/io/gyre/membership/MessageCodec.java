package io.gyre.membership;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.membership.Message.Adjourn;
import io.gyre.membership.Message.Admitted;
import io.gyre.membership.Message.Attest;
import io.gyre.membership.Message.Awaited;
import io.gyre.membership.Message.Backed;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Present;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Message.Welcome;
import io.gyre.session.Reached;
import io.gyre.session.Session;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Encodes messages as bytes: a type, then the fields in the order of their declaration, big-endian; texts and byte
 * arrays are preceded by their length. {@link Welcome} and {@link Join} begin with a magic number, the protocol version
 * and what is needed to refuse a rank of another version; those fields never change.
 *
 * <p>Received lengths are compared with the bytes that are actually there before anything is allocated, and what no
 * rank writes is refused: a count below 0, a name twice, a text that is not UTF-8.
 */
public final class MessageCodec {

    /** Longest message before a connection has joined. */
    public static final int MAX_STRANGER_BYTES = 64 << 10;

    /** Longest message of a member. */
    public static final int MAX_MEMBER_BYTES = Session.MAX_EXCHANGE_BYTES + MAX_STRANGER_BYTES;

    private static final int MAGIC = 0x47595245; // GYRE

    /** A year. */
    private static final long LONGEST_SILENCE_MILLIS = 365L * 24 * 60 * 60 * 1_000;

    /** A member of an empty host name, no addresses, an incarnation. */
    private static final int LEAST_SEAT_BYTES = 4 * Integer.BYTES + Long.BYTES;

    private MessageCodec() {}

    /** Encodes a message, without a length in front. */
    public static byte[] encode(Message message) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            write(message, out);
        } catch (IOException e) {
            throw new UncheckedIOException("an array in memory cannot be written", e);
        }
        return bytes.toByteArray();
    }

    private static void write(Message message, DataOutputStream out) throws IOException {
        if (message instanceof Welcome welcome) {
            out.writeByte(1);
            out.writeInt(MAGIC);
            out.writeInt(welcome.protocolVersion());
            out.writeLong(welcome.run().high());
            out.writeLong(welcome.run().low());
            out.writeInt(welcome.worldSize());
            out.writeBoolean(welcome.complete());
            write(welcome.host(), out);
            out.writeLong(welcome.limits().suspicion().toMillis());
            out.writeLong(welcome.limits().loss().toMillis());
        } else if (message instanceof Join join) {
            out.writeByte(2);
            out.writeInt(MAGIC);
            out.writeInt(join.protocolVersion());
            out.writeInt(join.worldSize());
            write(join.member(), out);
            write(join.options(), out);
        } else if (message instanceof Ready ready) {
            out.writeByte(13);
            write(ready.addresses(), out);
        } else if (message instanceof Refused refused) {
            out.writeByte(3);
            write(refused.reason(), out);
        } else if (message instanceof Roster roster) {
            out.writeByte(4);
            out.writeInt(roster.rank());
            out.writeInt(roster.seats().size());
            for (Seat seat : roster.seats()) {
                write(seat, out);
            }
        } else if (message instanceof Offer offer) {
            out.writeByte(5);
            writeRanks(offer.ranks(), out);
            write(offer.topic(), out);
            write(offer.value(), out);
        } else if (message instanceof Value value) {
            out.writeByte(6);
            out.writeInt(value.rank());
            write(value.value(), out);
        } else if (message instanceof Disagreed disagreed) {
            out.writeByte(7);
            write(disagreed.reason(), out);
        } else if (message instanceof Lost lost) {
            out.writeByte(8);
            write(lost.member(), out);
            write(lost.reason(), out);
        } else if (message instanceof Left left) {
            out.writeByte(9);
            out.writeInt(left.rank());
            write(left.sent(), out);
            write(left.lastCall(), out);
            write(left.missed(), out);
        } else if (message instanceof Leave leave) {
            out.writeByte(10);
            write(leave.sent(), out);
            write(leave.lastCall(), out);
        } else if (message instanceof Failed failed) {
            out.writeByte(11);
            write(failed.reason(), out);
        } else if (message instanceof Heartbeat heartbeat) {
            out.writeByte(12);
            out.writeLong(heartbeat.sent());
        } else if (message instanceof Expendable expendable) {
            out.writeByte(14);
            out.writeInt(expendable.rank());
        } else if (message instanceof LostExpendable lost) {
            out.writeByte(15);
            write(lost.member(), out);
            write(lost.reason(), out);
        } else if (message instanceof Returned returned) {
            out.writeByte(16);
            write(returned.seat(), out);
        } else if (message instanceof Unaware) {
            out.writeByte(17);
        } else if (message instanceof Attest attest) {
            out.writeByte(18);
            writeRanks(attest.ranks(), out);
            write(attest.topic(), out);
            write(attest.value(), out);
            write(attest.remedy(), out);
        } else if (message instanceof GroupKey key) {
            out.writeByte(19);
            out.writeInt(key.generation());
            write(key.secret(), out);
        } else if (message instanceof Backed backed) {
            out.writeByte(23);
            writeRanks(backed.ranks(), out);
            writeRanks(backed.incarnations(), out);
        } else if (message instanceof Present present) {
            out.writeByte(20);
            out.writeInt(present.generation());
            out.writeInt(present.reached().calls());
            out.writeLong(present.reached().step());
        } else if (message instanceof Convened convened) {
            out.writeByte(21);
            out.writeInt(convened.generation());
            write(convened.rendezvous(), out);
            out.writeInt(convened.own());
            writeRanks(convened.holders(), out);
            out.writeInt(convened.source());
        } else if (message instanceof Adjourn adjourn) {
            out.writeByte(22);
            out.writeInt(adjourn.generation());
        } else if (message instanceof Admitted admitted) {
            out.writeByte(24);
            write(admitted.variables(), out);
            write(admitted.token(), out);
        } else if (message instanceof Awaited awaited) {
            out.writeByte(25);
            out.writeInt(awaited.rank());
        }
    }

    private static void write(Seat seat, DataOutputStream out) throws IOException {
        write(seat.member(), out);
        write(seat.addresses(), out);
        out.writeInt(seat.incarnation());
    }

    private static void write(Member member, DataOutputStream out) throws IOException {
        out.writeInt(member.rank());
        write(member.host(), out);
        out.writeLong(member.pid());
    }

    private static void write(Map<String, String> entries, DataOutputStream out) throws IOException {
        out.writeInt(entries.size());
        for (Map.Entry<String, String> entry : new TreeMap<>(entries).entrySet()) {
            write(entry.getKey(), out);
            write(entry.getValue(), out);
        }
    }

    private static void writeRanks(List<Integer> ranks, DataOutputStream out) throws IOException {
        write(ranks.stream().map(Integer::longValue).toList(), out);
    }

    private static void write(List<Long> numbers, DataOutputStream out) throws IOException {
        out.writeInt(numbers.size());
        for (long number : numbers) {
            out.writeLong(number);
        }
    }

    private static void write(String text, DataOutputStream out) throws IOException {
        write(text.getBytes(StandardCharsets.UTF_8), out);
    }

    private static void write(ByteBuffer value, DataOutputStream out) throws IOException {
        byte[] bytes = new byte[value.remaining()];
        value.get(value.position(), bytes);
        write(bytes, out);
    }

    private static void write(byte[] bytes, DataOutputStream out) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /**
     * Decodes one message.
     *
     * @param in from its position to its limit, which must be the end of the message
     * @throws ProtocolException if the bytes are not a message
     */
    public static Message decode(ByteBuffer in) {
        try {
            Message message = read(in);
            if (in.hasRemaining() && !isOfAnotherVersion(message)) {
                throw new ProtocolException("a " + message.getClass().getSimpleName() + " message with "
                        + in.remaining() + " bytes too many");
            }
            return message;
        } catch (BufferUnderflowException e) {
            throw new ProtocolException("a control message that ends too early");
        }
    }

    /** Whether a message is understood only up to where it was read. */
    private static boolean isOfAnotherVersion(Message message) {
        return (message instanceof Join join && join.protocolVersion() != Message.PROTOCOL_VERSION)
                || (message instanceof Welcome welcome && welcome.protocolVersion() != Message.PROTOCOL_VERSION);
    }

    private static Message read(ByteBuffer in) {
        byte type = in.get();
        return switch (type) {
            case 1 -> readWelcome(in);
            case 2 -> readJoin(in);
            case 3 -> new Refused(readText(in));
            case 4 -> readRoster(in);
            case 5 -> new Offer(readRanks(in), readText(in), ByteBuffer.wrap(readBytes(in)));
            case 6 -> new Value(in.getInt(), ByteBuffer.wrap(readBytes(in)));
            case 7 -> new Disagreed(readText(in));
            case 8 -> new Lost(readMember(in), readText(in));
            case 9 -> new Left(in.getInt(), readNumbers(in), readText(in), readText(in));
            case 10 -> new Leave(readNumbers(in), readText(in));
            case 11 -> new Failed(readText(in));
            case 12 -> new Heartbeat(in.getLong());
            case 13 -> new Ready(readEntries(in));
            case 14 -> new Expendable(in.getInt());
            case 15 -> new LostExpendable(readMember(in), readText(in));
            case 16 -> new Returned(readSeat(in));
            case 17 -> new Unaware();
            case 18 -> new Attest(readRanks(in), readText(in), readText(in), readText(in));
            case 19 -> new GroupKey(in.getInt(), ByteBuffer.wrap(readBytes(in)));
            case 20 -> new Present(in.getInt(), new Reached(in.getInt(), in.getLong()));
            case 21 -> new Convened(in.getInt(), readText(in), in.getInt(), readRanks(in), in.getInt());
            case 22 -> new Adjourn(in.getInt());
            case 23 -> new Backed(readRanks(in), readRanks(in));
            case 24 -> new Admitted(readEntries(in), ByteBuffer.wrap(readBytes(in)));
            case 25 -> new Awaited(in.getInt());
            default -> throw new ProtocolException("a control message of unknown type " + type);
        };
    }

    private static Welcome readWelcome(ByteBuffer in) {
        checkMagic(in);
        int version = in.getInt();
        RunId run = new RunId(in.getLong(), in.getLong());
        int worldSize = in.getInt();
        boolean complete = readFlag(in);
        Member host = readMember(in);
        return new Welcome(
                version,
                run,
                worldSize,
                complete,
                host,
                version == Message.PROTOCOL_VERSION ? readLimits(in) : SilenceLimits.DEFAULT);
    }

    private static SilenceLimits readLimits(ByteBuffer in) {
        long suspicion = in.getLong();
        long loss = in.getLong();
        if (suspicion < 1 || suspicion > LONGEST_SILENCE_MILLIS || loss < 1 || loss > LONGEST_SILENCE_MILLIS) {
            throw new ProtocolException(
                    "a control message with limits of silence of " + suspicion + " and " + loss + " ms");
        }
        return new SilenceLimits(Duration.ofMillis(suspicion), Duration.ofMillis(loss));
    }

    private static Join readJoin(ByteBuffer in) {
        checkMagic(in);
        int version = in.getInt();
        int worldSize = in.getInt();
        Member member = readMember(in);
        return version == Message.PROTOCOL_VERSION
                ? new Join(version, worldSize, member, readEntries(in))
                : new Join(version, worldSize, member, Map.of());
    }

    private static Roster readRoster(ByteBuffer in) {
        int rank = in.getInt();
        int count = readCount(in, LEAST_SEAT_BYTES);
        List<Seat> seats = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            seats.add(readSeat(in));
        }
        return new Roster(rank, seats);
    }

    private static Seat readSeat(ByteBuffer in) {
        return new Seat(readMember(in), readEntries(in), in.getInt());
    }

    private static void checkMagic(ByteBuffer in) {
        int magic = in.getInt();
        if (magic != MAGIC) {
            throw new ProtocolException("the sender does not use this protocol: the first word is "
                    + Integer.toHexString(magic) + ", not " + Integer.toHexString(MAGIC));
        }
    }

    private static Member readMember(ByteBuffer in) {
        return new Member(in.getInt(), readText(in), in.getLong());
    }

    private static Map<String, String> readEntries(ByteBuffer in) {
        int count = readCount(in, 2 * Integer.BYTES);
        Map<String, String> entries = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            String name = readText(in);
            if (entries.put(name, readText(in)) != null) {
                throw new ProtocolException("a control message with two values of '" + name + "'");
            }
        }
        return entries;
    }

    private static List<Long> readNumbers(ByteBuffer in) {
        int count = readCount(in, Long.BYTES);
        List<Long> numbers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            numbers.add(in.getLong());
        }
        return numbers;
    }

    private static List<Integer> readRanks(ByteBuffer in) {
        List<Integer> ranks = new ArrayList<>();
        for (long number : readNumbers(in)) {
            if (number != (int) number) {
                throw new ProtocolException("a control message with rank " + number);
            }
            ranks.add((int) number);
        }
        return ranks;
    }

    private static boolean readFlag(ByteBuffer in) {
        byte value = in.get();
        if (value != 0 && value != 1) {
            throw new ProtocolException("a control message with a truth value of " + value + ": it is 0 or 1");
        }
        return value == 1;
    }

    /** Reads the length of a list, of which every entry takes a few bytes at least. */
    private static int readCount(ByteBuffer in, int leastBytes) {
        int count = in.getInt();
        if (count < 0 || count > in.remaining() / leastBytes) {
            throw new ProtocolException("a control message with a list of " + count + " entries, for which "
                    + in.remaining() + " bytes are there");
        }
        return count;
    }

    private static String readText(ByteBuffer in) {
        byte[] bytes = readBytes(in);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new ProtocolException(
                    "a control message with a text of " + bytes.length + " bytes that is not UTF-8: " + e.getMessage());
        }
    }

    private static byte[] readBytes(ByteBuffer in) {
        int length = in.getInt();
        if (length < 0 || length > in.remaining()) {
            throw new ProtocolException("a control message with a field of " + length + " bytes, of which "
                    + in.remaining() + " are there");
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }
}
