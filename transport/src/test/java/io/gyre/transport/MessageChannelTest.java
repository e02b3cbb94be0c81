package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Member;
import io.gyre.membership.Downlink;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Outbox;
import io.gyre.membership.Supervisor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Both ends of a connection over loopback, in one thread. */
@Timeout(60)
class MessageChannelTest {

    /** More than the buffers of a connection. */
    private static final int LONG_BYTES = 12 << 20;

    private static final RunSecret SECRET = RunSecret.random(new SecureRandom());
    private static final ControlKey KEY = new ControlKey(SECRET);

    private Selector selector;
    private MessageChannel near;
    private MessageChannel far;

    @BeforeEach
    void connect() throws IOException {
        selector = Selector.open();
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            SocketChannel socket = SocketChannel.open(server.getLocalAddress());
            far = new MessageChannel(socket, selector, KEY.connect());
            near = new MessageChannel(server.accept(), selector, KEY.accept());
        }
        far.trust();
        far.flush();
        boolean nearProved = false;
        boolean farProved = false;
        while (!nearProved || !farProved) {
            // Each needs what the other answers.
            nearProved = near.prove();
            farProved = far.prove();
        }
    }

    @AfterEach
    void close() throws IOException {
        near.close();
        far.close();
        selector.close();
    }

    private static Value value(int rank, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) (rank + 1));
        return new Value(rank, ByteBuffer.wrap(bytes));
    }

    private List<Message> receive(int count) throws IOException {
        List<Message> messages = new ArrayList<>();
        while (messages.size() < count) {
            near.flush();
            Message message = far.receive();
            if (message != null) {
                messages.add(message);
            }
        }
        return messages;
    }

    @Test
    void aMessageThatIsSentAheadOvertakesThoseThatHaveNotBegun() throws IOException {
        List<Value> values = List.of(value(0, LONG_BYTES), value(1, LONG_BYTES), value(2, 5));
        for (Value value : values) {
            near.send(MessageChannel.frame(value));
        }
        near.sendAhead(MessageChannel.frame(new Heartbeat(7)));
        near.send(MessageChannel.frame(new Refused("the end")));

        assertThat(receive(5))
                .containsExactly(values.get(0), new Heartbeat(7), values.get(1), values.get(2), new Refused("the end"));
    }

    @Test
    void withNothingToOvertakeItIsSentAtOnce() throws IOException {
        near.sendAhead(MessageChannel.frame(new Heartbeat(7)));
        near.send(MessageChannel.frame(value(0, 5)));
        near.sendAhead(MessageChannel.frame(new Heartbeat(8)));

        assertThat(receive(3)).containsExactly(new Heartbeat(7), value(0, 5), new Heartbeat(8));
    }

    @Test
    void nothingIsSentAheadOfTheEnd() throws IOException {
        near.send(MessageChannel.frame(value(0, LONG_BYTES)));
        near.finish();
        near.sendAhead(MessageChannel.frame(new Heartbeat(7)));

        assertThat(receive(1)).containsExactly(value(0, LONG_BYTES));
        near.flush();
        assertThatThrownBy(() -> {
                    while (far.receive() == null) {
                        near.flush();
                    }
                })
                .isInstanceOf(MessageChannel.EndOfStream.class);
    }

    /** Sends to whoever connects. */
    private record Sending(Outbox outbox, List<Message> messages, CountDownLatch sent) implements Supervisor {

        @Override
        public void connected(int connection) {
            messages.forEach(message -> outbox.send(connection, message));
            sent.countDown();
        }

        @Override
        public void received(int connection, Message message) {}

        @Override
        public void disconnected(int connection, String how) {}

        @Override
        public void tick(long now) {}

        @Override
        public boolean hasJoined(int connection) {
            return false;
        }

        @Override
        public void refuseLatecomers(List<Integer> connections) {}

        @Override
        public boolean isOver() {
            return false;
        }

        @Override
        public List<Member> members() {
            return List.of();
        }
    }

    /** Reads nothing behind the first message before all are sent, so that the buffers of the connection are full. */
    private record Receiving(Queue<Message> messages, CountDownLatch sent) implements Downlink {

        @Override
        public void received(Message message) {
            messages.add(message);
            try {
                assertThat(sent.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void disconnected(String how) {}

        @Override
        public void tick() {}

        @Override
        public boolean isDetached() {
            return false;
        }

        @Override
        public void close() {}
    }

    @Test
    void heartbeatsOfARendezvousOvertakeItsValues() throws Exception {
        List<Message> messages = List.of(value(0, 1), value(1, LONG_BYTES), value(2, LONG_BYTES), new Heartbeat(7));
        CountDownLatch sent = new CountDownLatch(1);
        Queue<Message> received = new ConcurrentLinkedQueue<>();
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        RendezvousAgent<Sending> agent = new RendezvousAgent<>(
                anyPort, SECRET, 1, (outbox, now) -> new Sending(outbox, messages, sent), System::nanoTime);
        CompletableFuture<ControlLink<Receiving>> link = OwnThread.call(() -> ControlLink.connect(
                agent.address(), KEY, (uplink, monitor) -> new Receiving(received, sent), Duration.ofSeconds(30)));
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (received.size() < messages.size() && System.nanoTime() - deadline < 0) {
            agent.doWork();
        }
        agent.onClose();
        link.get().close();

        assertThat(received).containsExactly(messages.get(0), messages.get(1), messages.get(3), messages.get(2));
    }
}
