package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.testkit.RankProcess;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that ask and do not listen, and clients that ask for more than there is. */
@Timeout(120)
class SlowClientTest {

    private static final int SHARD_BYTES = 1 << 20;

    private final MemoryBudget budget = new MemoryBudget(0, 1, 4L * SHARD_BYTES);
    private final ShardServer server = new ShardServer(
            new ShardTable(0, 1, List.of(0, 1), null, budget, new PrivateMemory()),
            List.of(0, 1),
            List.of(0, 1),
            Faults.NONE);
    private long calls;

    @TempDir
    Path directory;

    /** Counts what comes. */
    private static final class Counting implements FrameSender {
        private long answers;
        private long dataBytes;

        @Override
        public int maxPayload() {
            return 4096;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            dataBytes += frame.length();
            return true;
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            answers++;
            return true;
        }
    }

    private void ask(int rank, Request request) {
        ByteBuffer words = request.numbered(++calls, 1, request.operation().isChange() ? 1 : 0)
                .encode();
        Frame frame = new Frame().set(Frame.Kind.REQUEST, calls, 0, Outgoing.WORDS, 0, words.limit());
        server.onFrame(rank, frame, words, 0);
    }

    private void create() {
        ask(0, Request.about(Operation.CREATE, "box").withRange(0, SHARD_BYTES).withStep(4, 0, 0, 0, 0));
        server.advance(0, new Counting());
    }

    private static Request read() {
        return Request.of(Operation.READ, 0).withRange(0, SHARD_BYTES);
    }

    @Test
    void whoAsksWithoutListeningIsAnsweredAFewTimesAndTheOthersAlways() {
        create();
        for (int i = 0; i < 100_000; i++) {
            ask(0, read());
        }

        Counting slow = new Counting();
        Counting fast = new Counting();
        for (int i = 0; i < 20; i++) {
            ask(1, read());
            server.advance(1, fast);
        }
        server.advance(0, slow);

        assertThat(slow.answers).isEqualTo(Client.MOST_ANSWERS);
        assertThat(slow.dataBytes).isEqualTo((long) Client.MOST_ANSWERS * SHARD_BYTES);
        assertThat(fast.answers).isEqualTo(20);
        assertThat(fast.dataBytes).isEqualTo(20L * SHARD_BYTES);
        assertThat(budget.taken()).as("answers are read from the shard").isEqualTo(SHARD_BYTES);
    }

    @Test
    void whoBeginsManyChangesAndEndsNoneHasRoomForOne() {
        create();
        for (int i = 0; i < 10_000; i++) {
            ask(0, Request.of(Operation.ACCUMULATE, 0).withRange(0, SHARD_BYTES));
        }

        assertThat(budget.taken()).isEqualTo(2L * SHARD_BYTES);
    }

    @Test
    void whoWaitsForManyVersionsWaitsForOne() {
        create();
        for (int i = 1; i <= 10_000; i++) {
            ask(0, Request.of(Operation.AWAIT, 0).withStep(i, 0, 0, 0, 0));
        }

        assertThat(server.waiting()).isEqualTo(1);
    }

    @Test
    void whoMakesMoreBuffersThanThereIsRoomForIsRefused() {
        create();
        for (int i = 0; i < 100; i++) {
            ask(
                    1,
                    Request.about(Operation.CREATE, "box " + i)
                            .withRange(0, SHARD_BYTES)
                            .withStep(4, 0, 0, 0, 0));
        }

        assertThat(budget.taken()).isEqualTo(4L * SHARD_BYTES);
    }

    /** Real processes over UDP: the slow one stands still in the middle of its reads. */
    @Test
    void aServerDoesNotGrowWhileAClientStandsStill() throws Exception {
        List<String> flags = List.of("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED", "-Xmx64m");
        String rendezvous = directory.resolve("rendezvous").toString();
        try (RankProcess fast =
                        RankProcess.start(directory, flags, Map.of(), SlowClientProgram.class, "0", rendezvous);
                RankProcess slow =
                        RankProcess.start(directory, flags, Map.of(), SlowClientProgram.class, "1", rendezvous);
                RankProcess serving =
                        RankProcess.start(directory, flags, Map.of(), SlowClientProgram.class, "2", rendezvous)) {
            slow.awaitOutput("has read 20 times");
            fast.awaitOutput("has read 20 times");
            slow.signal("STOP");
            long before = residentKilobytes(serving);
            // Not more: a rank that stands still for 15 s is lost, and a busy machine is slow.
            fast.awaitOutput("has read 80 times");
            long after = residentKilobytes(serving);
            slow.signal("CONT");
            slow.awaitOutput("has read 220 times");

            System.out.printf("server: %,d KB before, %,d KB after%n", before, after);
            assertThat(after - before)
                    .as("kilobytes more, while a client did not take its %,d bytes", SlowClientProgram.BYTES)
                    .isLessThan(32 << 10);
            assertThat(fast.awaitExit(Duration.ofMinutes(1))).isZero();
            assertThat(slow.awaitExit(Duration.ofMinutes(1))).isZero();
            assertThat(serving.awaitExit(Duration.ofMinutes(1))).isZero();
        }
    }

    private static long residentKilobytes(RankProcess process) throws Exception {
        return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
                .findFirst()
                .orElseThrow();
    }
}
