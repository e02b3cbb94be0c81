package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Downlink;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Admitted;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.Reception;
import io.gyre.membership.Uplink;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a newcomer to a run with seats is given by its {@link NewcomerServer}: with that, it starts a process as the
 * run's launcher does.
 *
 * @param variables of the environment of the process
 * @param token of the run
 */
public record Invitation(Map<String, String> variables, RunSecret token) {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /**
     * Asks to take part.
     *
     * @param address of the reception, {@code host:port}
     * @param environment names the user's secret, if there is one
     * @param program this process's program and options
     * @throws IllegalArgumentException if the address cannot be used
     * @throws GyreException if nobody answers there, or this process is refused
     */
    public static Invitation ask(String address, Map<String, String> environment, String program) {
        HostPort place = HostPort.parse(address);
        if (place == null) {
            throw new IllegalArgumentException("'" + address + "' is not an address: expected HOST:PORT");
        }
        InetSocketAddress socket = new InetSocketAddress(place.host(), place.port());
        ControlKey key = new ControlKey(TrustedNetwork.secret(
                RunSecret.fromEnvironment(environment).orElse(null),
                GyreVariable.TRUSTED_NETWORK.flag(environment).orElse(false),
                false,
                List.of(socket)));
        Join join = new Join(
                Message.PROTOCOL_VERSION,
                1,
                new Member(
                        Message.ANY_RANK,
                        HostIdentity.name(),
                        ProcessHandle.current().pid()),
                Map.of(Reception.PROGRAM, program));
        try (ControlLink<Asking> link = ControlLink.connect(
                socket, key, (uplink, monitor) -> new Asking(address, join, uplink, monitor), TIMEOUT)) {
            Admitted answer = link.downlink().answer();
            ByteBuffer token = answer.token();
            byte[] bytes = new byte[token.remaining()];
            token.get(token.position(), bytes);
            return new Invitation(answer.variables(), RunSecret.of(bytes));
        } catch (IOException e) {
            throw new GyreException("no run with seats can be joined at " + address + ": " + e.getMessage(), e);
        }
    }

    /** This side of the connection: asks when it is greeted. */
    private static final class Asking implements Downlink {

        private final String address;
        private final Join join;
        private final Uplink uplink;
        private final Object monitor;
        private @Nullable Admitted admitted;
        private @Nullable String end;

        Asking(String address, Join join, Uplink uplink, Object monitor) {
            this.address = address;
            this.join = join;
            this.uplink = uplink;
            this.monitor = monitor;
        }

        @Override
        public void received(Message message) {
            synchronized (monitor) {
                if (message instanceof Welcome) {
                    uplink.send(join);
                } else if (message instanceof Admitted answer) {
                    admitted = answer;
                } else if (message instanceof Refused refused) {
                    end(refused.reason());
                } else {
                    end("it sent a " + message.getClass().getSimpleName() + " message, which is not a reception's");
                }
                monitor.notifyAll();
            }
        }

        private void end(String reason) {
            if (end == null) {
                end = reason;
            }
        }

        @Override
        public void disconnected(String how) {
            synchronized (monitor) {
                end("the connection ended: " + how);
                monitor.notifyAll();
            }
        }

        @Override
        public void tick() {}

        @Override
        public boolean isDetached() {
            synchronized (monitor) {
                return end != null;
            }
        }

        @Override
        public void close() {
            synchronized (monitor) {
                end("it was closed");
                monitor.notifyAll();
            }
        }

        Admitted answer() {
            synchronized (monitor) {
                long deadline = System.nanoTime() + TIMEOUT.toNanos();
                while (admitted == null) {
                    long left = deadline - System.nanoTime();
                    if (end != null || left <= 0) {
                        throw new GyreException("this process cannot join the run at " + address + ": "
                                + (end == null ? "no answer within " + TIMEOUT.toSeconds() + " s" : end));
                    }
                    try {
                        monitor.wait(Math.max(1, left / 1_000_000));
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw new GyreException("this process was interrupted while it asked to join a run", e);
                    }
                }
                return admitted;
            }
        }
    }
}
