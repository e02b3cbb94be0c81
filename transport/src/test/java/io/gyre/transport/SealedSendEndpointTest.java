package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.aeron.Aeron;
import io.aeron.Publication;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.driver.media.UdpChannel;
import io.gyre.Member;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Seat;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.agrona.concurrent.status.AtomicCounter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What cannot be sent is sealed again, under another nonce. */
class SealedSendEndpointTest {

    private static final int ATTEMPTS = 50;

    @TempDir
    Path directory;

    /** Records what it is about to give to its socket. */
    private static final class Recording extends SealedSendEndpoint {

        final List<byte[]> sealed = new ArrayList<>();

        Recording(UdpChannel channel, AtomicCounter status, MediaDriver.Context context, DatagramSeal seal) {
            super(channel, status, context, seal);
        }

        @Override
        public void sendHook(ByteBuffer datagram, InetSocketAddress to) {
            byte[] bytes = new byte[datagram.remaining()];
            datagram.get(datagram.position(), bytes);
            sealed.add(bytes);
        }
    }

    private static DatagramSeal sealFor(int port) {
        SealingPeer process = new SealingPeer(SealingPeer.RUN, "salt0");
        process.membership.received(SealingPeer.key(1, 1));
        Map<String, String> addresses = Map.of(AeronSite.UDP, "127.0.0.1:" + port, AeronSite.SALT, "salt1");
        Seat peer = new Seat(new Member(1, "host", 1), addresses, 0);
        process.membership.received(new Roster(0, List.of(SealingPeer.seat(0, "salt0", 0), peer)));
        return process.seal;
    }

    /** The kernel reports a closed port at every second attempt or so, as it would report a full buffer. */
    @Test
    void everyAttemptHasANonceOfItsOwn() throws Exception {
        int closedPort;
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            closedPort = socket.getLocalPort();
        }
        DatagramSeal seal = sealFor(closedPort);
        List<Recording> endpoints = new ArrayList<>();
        MediaDriver.Context context = new MediaDriver.Context()
                .aeronDirectoryName(directory.resolve("aeron").toString())
                .threadingMode(ThreadingMode.INVOKER)
                .asyncExecutorEnabled(false)
                .sendChannelEndpointSupplier((channel, status, of) -> {
                    Recording endpoint = new Recording(channel, status, of, seal);
                    endpoints.add(endpoint);
                    return endpoint;
                });
        try (MediaDriver driver = MediaDriver.launch(context);
                Aeron client = Aeron.connect(new Aeron.Context()
                        .aeronDirectoryName(driver.aeronDirectoryName())
                        .useConductorAgentInvoker(true)
                        .driverAgentInvoker(driver.sharedAgentInvoker()));
                Publication stream = client.addPublication("aeron:udp?endpoint=127.0.0.1:" + closedPort, 1)) {
            assertThat(stream.isClosed()).isFalse();
            Recording endpoint = endpoints.get(0);
            endpoint.sealed.clear();
            ByteBuffer text = ByteBuffer.wrap(SealingPeers.TEXT);
            int failures = 0;
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                int sent = endpoint.send(text);

                assertThat(text.remaining())
                        .as("what is left to send")
                        .isEqualTo(sent == 0 ? SealingPeers.TEXT.length : 0);
                failures += sent == 0 ? 1 : 0;
                text.clear();
            }

            assertThat(failures).as("attempts that failed").isPositive();
            assertThat(endpoint.sealed).hasSize(ATTEMPTS);
            Set<ByteBuffer> headers = new HashSet<>();
            for (byte[] datagram : endpoint.sealed) {
                assertThat(headers.add(ByteBuffer.wrap(datagram, 0, DatagramHeader.BYTES)))
                        .as("a nonce that was not used before")
                        .isTrue();
            }
        }
    }
}
