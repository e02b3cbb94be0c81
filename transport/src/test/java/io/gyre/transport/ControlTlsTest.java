package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.membership.Message;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Both ends in one thread, without a socket. */
@Timeout(180)
class ControlTlsTest {

    private static final RunSecret SECRET = RunSecret.random(new SecureRandom());
    private static final ControlKey KEY = new ControlKey(SECRET);

    /** Bytes before the fragment of a record: type, two of version, two of length. */
    private static final int HEADER_BYTES = 5;

    private final ControlTls client = KEY.connect();
    private final ControlTls server = KEY.accept();

    private static byte[] output(ControlTls end) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer piece = ByteBuffer.allocate(1_000);
        do {
            piece.clear();
            end.output(piece);
            all.write(piece.array(), 0, piece.position());
        } while (piece.position() > 0);
        return all.toByteArray();
    }

    private static byte[] read(ControlTls end) {
        ByteBuffer into = ByteBuffer.allocate(1 << 20);
        end.read(into);
        return Arrays.copyOf(into.array(), into.position());
    }

    private static void send(ControlTls from, ControlTls to, UnaryOperator<byte[]> onTheWay) throws IOException {
        to.receive(ByteBuffer.wrap(onTheWay.apply(output(from))));
    }

    /** Three flights prove both: hello, the server's answer with its proof, the client's proof. */
    private static void shakeHands(ControlTls client, ControlTls server) throws IOException {
        send(client, server, bytes -> bytes);
        send(server, client, bytes -> bytes);
        send(client, server, bytes -> bytes);
    }

    @Test
    void whoKnowsTheSecretIsProvedAndWhatIsSentArrives() throws Exception {
        shakeHands(client, server);
        assertThat(client.isProved()).isTrue();
        assertThat(server.isProved()).isTrue();

        Random random = new Random(1);
        for (int length : new int[] {1, 100, 16_384, 16_385, 300_000}) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            for (ControlTls from : new ControlTls[] {client, server}) {
                ControlTls to = from == client ? server : client;
                ByteBuffer left = ByteBuffer.wrap(bytes);
                while (left.hasRemaining()) {
                    from.write(left);
                }
                send(from, to, wire -> wire);
                assertThat(read(to)).isEqualTo(bytes);
            }
        }
    }

    @Test
    void aHandshakeIsMuchShorterThanWhatAStrangerMaySend() throws Exception {
        byte[] hello = output(client);
        server.receive(ByteBuffer.wrap(hello));
        send(server, client, bytes -> bytes);
        assertThat(hello.length + output(client).length).isLessThan(MessageChannel.MAX_UNPROVED_BYTES / 4);
    }

    @Test
    void bytesMayComeOneByOne() throws Exception {
        for (ControlTls from : new ControlTls[] {client, server, client}) {
            ControlTls to = from == client ? server : client;
            for (byte one : output(from)) {
                to.receive(ByteBuffer.wrap(new byte[] {one}));
            }
        }
        assertThat(server.isProved()).isTrue();
    }

    @Test
    void anotherSecretProvesNothing() {
        ControlTls other = new ControlKey(RunSecret.random(new SecureRandom())).connect();
        assertThatThrownBy(() -> shakeHands(other, server))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("its proof is wrong");
        assertThat(server.isProved()).isFalse();
        assertThat(other.isProved()).isFalse();
    }

    @Test
    void anotherVersionProvesNothing() {
        ControlTls other = new ControlKey(SECRET, Message.PROTOCOL_VERSION + 1).connect();
        assertThatThrownBy(() -> shakeHands(other, server)).isInstanceOf(IOException.class);
        assertThat(server.isProved()).isFalse();
    }

    @Test
    void aRecordingOfAnotherConnectionProvesNothing() throws Exception {
        byte[] hello = output(client);
        server.receive(ByteBuffer.wrap(hello));
        send(server, client, bytes -> bytes);
        byte[] proof = output(client);
        server.receive(ByteBuffer.wrap(proof));
        assertThat(server.isProved()).isTrue();

        ControlTls another = KEY.accept();
        another.receive(ByteBuffer.wrap(hello));
        assertThat(another.isProved()).isFalse();
        assertThatThrownBy(() -> another.receive(ByteBuffer.wrap(proof))).isInstanceOf(IOException.class);
        assertThat(another.isProved()).isFalse();
    }

    @Test
    void noByteOfAHandshakeCanBeChanged() throws Exception {
        byte[][] flights = new byte[3][];
        ControlTls one = KEY.connect();
        ControlTls other = KEY.accept();
        for (int flight = 0; flight < 3; flight++) {
            byte[] bytes = output(flight == 1 ? other : one);
            flights[flight] = bytes;
            (flight == 1 ? one : other).receive(ByteBuffer.wrap(bytes));
        }
        for (int flight = 0; flight < 3; flight++) {
            for (int at = 0; at < flights[flight].length; at++) {
                if (!isLabel(flights[flight], at)) {
                    assertThat(provedAfterAChange(flight, at))
                            .as("flight %s byte %s", flight, at)
                            .isFalse();
                }
            }
        }
    }

    /** Type and version in front of a record, which receivers ignore where what follows is clear without them. */
    private static boolean isLabel(byte[] records, int at) {
        int start = 0;
        while (at >= start + HEADER_BYTES) {
            int length = ByteBuffer.wrap(records).getShort(start + 3);
            if (at < start + HEADER_BYTES + length) {
                return false;
            }
            start += HEADER_BYTES + length;
        }
        return at < start + 3;
    }

    private static boolean provedAfterAChange(int flight, int at) {
        ControlTls one = KEY.connect();
        ControlTls other = KEY.accept();
        try {
            for (int i = 0; i < 3; i++) {
                byte[] bytes = output(i == 1 ? other : one);
                if (i == flight) {
                    bytes[at] ^= 1;
                }
                (i == 1 ? one : other).receive(ByteBuffer.wrap(bytes));
            }
        } catch (IOException refused) {
            assertThat(refused).hasMessageContaining("its proof is wrong");
            return false;
        }
        return one.isProved() && other.isProved();
    }

    @Test
    void noByteOfAMessageCanBeChanged() throws Exception {
        for (int at = 0; at < HEADER_BYTES + 20; at++) {
            ControlTls one = KEY.connect();
            ControlTls other = KEY.accept();
            shakeHands(one, other);
            one.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            byte[] bytes = output(one);
            bytes[at] ^= 1;
            try {
                other.receive(ByteBuffer.wrap(bytes));
            } catch (IOException refused) {
                assertThat(refused).hasMessageContaining("was changed on the way");
            }
            assertThat(read(other)).as("byte %s", at).isEmpty();
        }
    }

    @Test
    void noMessageCanBeRepeatedOrLeftOut() throws Exception {
        shakeHands(client, server);
        client.write(ByteBuffer.wrap(new byte[] {1}));
        byte[] first = output(client);
        client.write(ByteBuffer.wrap(new byte[] {2}));
        byte[] second = output(client);
        server.receive(ByteBuffer.wrap(first));
        assertThat(read(server)).containsExactly(1);
        assertThatThrownBy(() -> server.receive(ByteBuffer.wrap(first))).hasMessageContaining("changed on the way");

        ControlTls one = KEY.connect();
        ControlTls other = KEY.accept();
        shakeHands(one, other);
        one.write(ByteBuffer.wrap(new byte[] {1}));
        output(one);
        one.write(ByteBuffer.wrap(new byte[] {2}));
        assertThatThrownBy(() -> send(one, other, bytes -> bytes)).hasMessageContaining("changed on the way");
        assertThat(second).isNotEqualTo(first);
    }

    @Test
    void garbageIsRefused() {
        Random random = new Random(7);
        for (int i = 0; i < 5_000; i++) {
            ControlTls end = i % 2 == 0 ? KEY.accept() : KEY.connect();
            byte[] bytes = new byte[1 + random.nextInt(600)];
            random.nextBytes(bytes);
            if (i % 4 < 2) {
                // A record of the handshake, whose length is right, with a hello in it.
                int body = bytes.length;
                bytes = ByteBuffer.allocate(HEADER_BYTES + 2 + body)
                        .put(new byte[] {22, 3, 3})
                        .putShort((short) (2 + body))
                        .put(new byte[] {(byte) (1 + random.nextInt(2)), 0})
                        .put(bytes)
                        .array();
            }
            try {
                end.receive(ByteBuffer.wrap(bytes));
            } catch (IOException refused) {
                assertThat(refused).hasMessageContaining("its proof is wrong");
            }
            assertThat(end.isProved()).isFalse();
        }
    }
}
