package io.gyre.samples.train;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Message;
import io.gyre.membership.MessageCodec;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.RunSecret;
import io.gyre.transport.TransportMode;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** A process of the host that knows the address of a run's rendezvous, and nothing else. One attack at a time. */
final class Intruder implements AutoCloseable {

    private static final int ANSWER_TIMEOUT_MILLIS = 500;
    private static final int MOST_OPEN = 500;
    private static final Duration JOIN_TIMEOUT = Duration.ofMillis(500);

    private final InetSocketAddress rendezvous;
    private final Random noise = new Random(5);
    private final Deque<Socket> open = new ArrayDeque<>();
    private final AtomicLong attempts = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final CountDownLatch begun = new CountDownLatch(1);
    private CompletableFuture<Void> attack = CompletableFuture.completedFuture(null);
    private volatile boolean ending;

    Intruder(InetSocketAddress rendezvous) {
        this.rendezvous = rendezvous;
    }

    /** How a process of this host would join as rank 1. */
    static JoinOptions.Builder asRank1(InetSocketAddress rendezvous) {
        String address = rendezvous.getAddress().getHostAddress() + ":" + rendezvous.getPort();
        return JoinOptions.builder(1, 2, address).transport(TransportMode.UDP).trustedNetwork(true);
    }

    /** Begins, and returns when it has some effect, if any; goes on in the background until {@link #end}. */
    void begin(Intrusion intrusion) throws InterruptedException {
        attack = CompletableFuture.runAsync(
                () -> {
                    try {
                        do {
                            attempt(intrusion);
                            if (attempts.incrementAndGet() >= toBegin(intrusion)) {
                                begun.countDown();
                            }
                        } while (!ending && attempts.get() < limit(intrusion));
                    } catch (IOException e) {
                        // The rendezvous is closed at the end of the run.
                        begun.countDown();
                    }
                },
                task -> new Thread(task, "intruder").start());
        begun.await();
    }

    private static long toBegin(Intrusion intrusion) {
        return switch (intrusion) {
            case IDLE_CONNECTIONS -> limit(intrusion);
            case MANY_IDLE_CONNECTIONS, FLOOD -> 300;
            default -> 1;
        };
    }

    private static long limit(Intrusion intrusion) {
        return switch (intrusion) {
            case IDLE_CONNECTIONS -> 64;
            case MANY_IDLE_CONNECTIONS -> 1_000;
            case FLOOD -> 10_000;
            case JOIN_WITH_ANOTHER_SECRET -> 5;
            default -> 20;
        };
    }

    private void attempt(Intrusion intrusion) throws IOException {
        switch (intrusion) {
            case JOIN_AND_FAIL -> send(messages(join(), new Message.Failed("a stranger's reason")), false);
            case TAKE_THE_SEAT -> send(messages(join()), true);
            case JOIN_WITH_ANOTHER_SECRET -> joinWithAnotherSecret();
            case IDLE_CONNECTIONS, MANY_IDLE_CONNECTIONS, FLOOD -> send(new byte[0], true);
            case GARBAGE -> {
                byte[] bytes = new byte[noise.nextInt(5_000)];
                noise.nextBytes(bytes);
                send(bytes, false);
            }
            case LYING_LENGTHS -> {
                send(new byte[] {0x7f, -1, -1, -1, 1}, true);
                send(new byte[] {0x16, 3, 1, -1, -1, 1, -1, -1, -1}, true);
            }
        }
    }

    private static Message join() {
        Member member = new Member(1, "localhost", 1);
        return new Message.Join(Message.PROTOCOL_VERSION, 2, member, Map.of("transport", "udp"));
    }

    private static byte[] messages(Message... messages) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (Message message : messages) {
            byte[] body = MessageCodec.encode(message);
            out.writeInt(body.length);
            out.write(body);
        }
        return bytes.toByteArray();
    }

    private void joinWithAnotherSecret() throws IOException {
        JoinOptions options = asRank1(rendezvous)
                .secret(RunSecret.random(new SecureRandom()))
                .joinTimeout(JOIN_TIMEOUT)
                .build();
        try (AeronSession session = AeronSession.join(options)) {
            received.incrementAndGet();
            session.fail("a stranger's reason");
        } catch (GyreException turnedAway) {
            if (String.valueOf(turnedAway.getMessage()).contains("refused")) {
                throw new IOException(turnedAway);
            }
        }
    }

    /** Sends bytes on a new connection, and closes it, or keeps it open and closes the oldest. */
    private void send(byte[] bytes, boolean keep) throws IOException {
        Socket socket = new Socket(rendezvous.getAddress(), rendezvous.getPort());
        if (!keep) {
            try (socket) {
                socket.setSoTimeout(ANSWER_TIMEOUT_MILLIS);
                socket.getOutputStream().write(bytes);
                received.addAndGet(socket.getInputStream().readAllBytes().length);
            } catch (SocketTimeoutException | SocketException noAnswer) {
                return;
            }
            return;
        }
        open.add(socket);
        socket.getOutputStream().write(bytes);
        if (open.size() > MOST_OPEN) {
            Socket oldest = open.remove();
            received.addAndGet(available(oldest));
            oldest.close();
        }
    }

    private static int available(Socket socket) {
        try {
            return socket.getInputStream().available();
        } catch (IOException closed) {
            return 0;
        }
    }

    long attempts() {
        return attempts.get();
    }

    /** Bytes of answers that this process has seen. */
    long bytesReceived() {
        return received.get();
    }

    /** Ends the attack. */
    void end() throws IOException {
        ending = true;
        attack.join();
        for (Socket socket : open) {
            received.addAndGet(available(socket));
            socket.close();
        }
    }

    @Override
    public void close() throws IOException {
        end();
    }
}
