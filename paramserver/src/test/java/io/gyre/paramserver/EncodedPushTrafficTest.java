package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.ElementType;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A worker and a server over UDP: the bytes that the worker sends for its pushes. */
@Timeout(60)
class EncodedPushTrafficTest {

    private static final int ELEMENTS = 200_000;
    private static final int PUSHES = 10;

    @TempDir
    Path directory;

    private long bytesSent(String name, Supplier<GradientCodec> codecs) throws InterruptedException {
        String rendezvous = directory.resolve(name).toString();
        return LocalCluster.over(
                        (size, peerTimeout) -> rank -> AeronSession.join(JoinOptions.builder(rank, size, rendezvous)
                                .transport(TransportMode.UDP)
                                .peerTimeout(peerTimeout)
                                .build()),
                        2)
                .call(session -> {
                    try (ParameterService service = ParameterService.builder(session)
                            .servers(1)
                            .training(new Training(new StaleSynchronous(1), new GradientDescent(1)).compress(codecs))
                            .retryAfter(Duration.ofMinutes(1))
                            .start()) {
                        if (service.isServer()) {
                            service.serve();
                            return 0L;
                        }
                        ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                        Region w = Region.allocate("w", 4L * ELEMENTS);
                        client.start(w);
                        client.resume(0);
                        long before = session.networkBytesSent();
                        for (int step = 0; step < PUSHES; step++) {
                            client.beginPull(step);
                            client.awaitPull(w);
                            client.push(PushCodecTest.drawn(step, ELEMENTS), step, 1, 0);
                            client.awaitPush();
                        }
                        long sent = session.networkBytesSent() - before;
                        client.finish(w);
                        return sent;
                    }
                })
                .get(0);
    }

    @ParameterizedTest
    @CsvSource({"bf16, 2", "int8, 1.016", "onebit, 0.129", "topk:0.01, 0.06"})
    void aWorkerSendsTheBytesThatTheCodecPromises(String word, double bytesOfFloat) throws Exception {
        double floats = bytesSent("floats", null);
        double encoded = bytesSent("encoded", GradientCodecs.of(word));

        assertThat(floats).isGreaterThanOrEqualTo(4.0 * ELEMENTS * PUSHES);
        // Beside its data a push has a request, and a pull has one.
        assertThat(encoded / floats).isCloseTo(bytesOfFloat / 4, within(0.002 + 0.01 * bytesOfFloat));
    }
}
