package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.kernel.GradientCodecs;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pushes that are sent in a codec. */
@Timeout(60)
class EncodedPushTest {

    private static final int ELEMENTS = 20_000;
    private static final int BYTES = 4 * ELEMENTS;
    private static final BufferSpec SPEC = new BufferSpec("w", ElementType.FLOAT32, ELEMENTS, true);

    private final MemoryBudget budget = new MemoryBudget(0, 1, 10L * BYTES);

    static List<String> words() {
        return PushCodecTest.words();
    }

    private static Training training(String word) {
        return new Training(new StaleSynchronous(3), new GradientDescent(1)).compress(GradientCodecs.of(word));
    }

    private AskedServer server(String word) {
        ShardTable table = new ShardTable(0, 1, List.of(0, 1), training(word), budget, new PrivateMemory());
        return new AskedServer(new ShardServer(table, List.of(0, 1), List.of(0, 1), Faults.NONE));
    }

    private static int open(AskedServer server) {
        return ((Reply.Opened) server.ask(0, new Request.Create(SPEC, 0))).buffer();
    }

    private static Request.EncodedPush push(int buffer, long step) {
        return new Request.EncodedPush(buffer, new ChangeId(0, step + 1), new GradientOrigin(step, step, step, 1, 0));
    }

    private static void assertNothingHasChanged(AskedServer server, int buffer) {
        server.send(1, new Request.Read(buffer));
        AskedServer.Replies read = server.receive(1);
        assertThat(read.last()).isEqualTo(new Reply.Content(0));
        for (int i = 0; i < ELEMENTS; i++) {
            assertThat(read.data.getFloat(4L * i)).isZero();
        }
    }

    /**
     * One worker, whose messages are lost and repeated: the parameters are those of decoding each push once by hand,
     * in all bits, so that no push was encoded a second time, and none was applied twice.
     */
    @ParameterizedTest
    @MethodSource("words")
    void theServersHaveWhatDecodingByHandGives(String word) throws Exception {
        int steps = 30;
        // No room for a push box: with one, nothing would be encoded.
        long room = 2L * BYTES + PushCodecTest.codec(word).mostBytes(ELEMENTS);
        Gyre.local(2).run(session -> {
            SplittableRandom random = new SplittableRandom(session.world().rank());
            try (ParameterService service = ParameterService.builder(session)
                    .servers(1)
                    .training(training(word))
                    .memoryLimit(room)
                    .retryAfter(Duration.ofMillis(2))
                    .faults(() -> random.nextInt(10) == 0 ? 0 : random.nextInt(10) == 0 ? 2 : 1)
                    .start()) {
                if (service.isServer()) {
                    service.serve();
                    return;
                }
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", BYTES);
                client.start(w);
                client.resume(0);
                PushCodec worker = PushCodecTest.codec(word);
                PushCodec server = PushCodecTest.codec(word);
                float[] expected = new float[ELEMENTS];
                for (int step = 0; step < steps; step++) {
                    client.beginPull(step);
                    client.awaitPull(w);
                    Region gradient = PushCodecTest.drawn(step, ELEMENTS);
                    client.push(gradient, step, 1, 0);
                    Region decoded = PushCodecTest.sent(worker, server, gradient, 0, step);
                    for (int i = 0; i < ELEMENTS; i++) {
                        expected[i] -= decoded.getFloat(4L * i);
                    }
                }
                client.finish(w);
                for (int i = 0; i < ELEMENTS; i++) {
                    assertThat(w.getFloat(4L * i)).as("%d", i).isEqualTo(expected[i]);
                }
            }
        });
    }

    /** A rank that serves itself, and one that shares memory with its server. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aGradientThatIsNotSentKeepsItsFloats(int servers) throws Exception {
        Gyre.local(servers + 1).run(session -> {
            try (ParameterService service = ParameterService.builder(session)
                    .servers(servers)
                    .training(training("bf16"))
                    .start()) {
                if (service.isServer()) {
                    service.serve();
                    return;
                }
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", BYTES);
                client.start(w);
                client.resume(0);
                client.beginPull(0);
                client.awaitPull(w);
                Region gradient = PushCodecTest.drawn(1, ELEMENTS);
                client.pushPull(gradient, 0, 1, 0, w);
                for (int i = 0; i < ELEMENTS; i++) {
                    assertThat(w.getFloat(4L * i)).as("%d", i).isEqualTo(-gradient.getFloat(4L * i));
                }
                client.finish(w);
            }
        });
    }

    @Test
    void aServerWithoutACodecRefusesWhatIsEncoded() {
        Training floats = new Training(new StaleSynchronous(3), new GradientDescent(1));
        ShardTable table = new ShardTable(0, 1, List.of(0, 1), floats, budget, new PrivateMemory());
        AskedServer server = new AskedServer(new ShardServer(table, List.of(0, 1), List.of(0, 1), Faults.NONE));
        int buffer = open(server);

        server.announce(0, push(buffer, 0), 100);

        assertThat(server.receive(0).last())
                .isInstanceOfSatisfying(
                        Reply.Refused.class,
                        refused -> assertThat(refused.reason()).contains("push of step 0", "started without one"));
        assertNothingHasChanged(server, buffer);
    }

    @ParameterizedTest
    @MethodSource("words")
    void aPushThatComesAgainIsAppliedOnce(String word) {
        AskedServer server = server(word);
        int buffer = open(server);
        Region encoded = PushCodecTest.encoded(PushCodecTest.codec(word), PushCodecTest.drawn(1, ELEMENTS), 0, 0);

        assertThat(server.ask(0, push(buffer, 0), encoded)).isEqualTo(new Reply.Applied(1));
        assertThat(server.ask(0, push(buffer, 0), encoded)).isEqualTo(new Reply.Applied(1));

        Region decoded = Region.allocate("decoded", BYTES);
        PushCodecTest.codec(word).decode(encoded, 0, 0, decoded);
        server.send(1, new Request.Read(buffer));
        AskedServer.Replies read = server.receive(1);
        for (int i = 0; i < ELEMENTS; i++) {
            assertThat(read.data.getFloat(4L * i)).as("%d", i).isEqualTo(0 - decoded.getFloat(4L * i));
        }
    }

    @ParameterizedTest
    @MethodSource("words")
    void aLengthThatNoGradientHasIsRefusedBeforeAnythingIsAllocated(String word) {
        AskedServer server = server(word);
        int buffer = open(server);
        long taken = budget.taken();
        long most = PushCodecTest.codec(word).mostBytes(ELEMENTS);

        for (long bytes : new long[] {Long.MIN_VALUE, -1, 0, most + 1, Long.MAX_VALUE}) {
            server.announce(0, push(buffer, 0), bytes);
            assertThat(server.receive(0).last())
                    .isInstanceOfSatisfying(
                            Reply.Refused.class,
                            refused -> assertThat(refused.reason())
                                    .contains("push of step 0", "1 to " + most + " bytes", "not " + bytes));
        }

        assertThat(budget.taken()).isEqualTo(taken);
        assertNothingHasChanged(server, buffer);
    }

    @ParameterizedTest
    @MethodSource("words")
    void whatCannotBeDecodedIsNotAppliedAndNamesTheRank(String word) {
        AskedServer server = server(word);
        int buffer = open(server);
        Region encoded = PushCodecTest.encoded(PushCodecTest.codec(word), PushCodecTest.drawn(1, ELEMENTS), 0, 0);

        assertThatThrownBy(() -> server.ask(0, push(buffer, 0), encoded.slice(0, encoded.byteLength() - 4)))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContainingAll("rank 0", "push of step 0", "'w'", "the same codec");

        assertNothingHasChanged(server, buffer);
    }

    @Test
    void aServerHoldsADecodedGradientBesideItsShard() {
        open(server("bf16"));

        assertThat(budget.taken()).isEqualTo(2L * BYTES);
    }

    @Test
    void onlyFloatsAreEncoded() throws Exception {
        BufferSpec doubles = new BufferSpec("w", ElementType.FLOAT64, 8, true);
        assertThat(server("int8").ask(0, new Request.Create(doubles, 0)))
                .isInstanceOfSatisfying(
                        Reply.Refused.class,
                        refused -> assertThat(refused.reason()).contains("int8", "FLOAT32", "'w'", "FLOAT64"));
        Gyre.local(1).run(session -> {
            try (ParameterService service =
                    ParameterService.builder(session).training(training("int8")).start()) {
                assertThatThrownBy(() -> service.parameters("w", ElementType.FLOAT64, 8))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContainingAll("int8", "FLOAT32", "'w'", "FLOAT64", "start the service without it");
            }
        });
    }

    @Test
    void ranksWithDifferentCodecsAreStopped() {
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> ParameterService.builder(session)
                                .training(training(session.world().isRoot() ? "bf16" : "topk:0.1"))
                                .start()))
                .isInstanceOf(GyreException.class)
                .rootCause()
                .hasMessageContainingAll("the parameter service", "codec of gradients", "bf16", "topk:0.1");
    }
}
