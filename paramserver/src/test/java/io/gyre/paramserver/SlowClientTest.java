package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.testkit.RankJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that send requests and do not read the replies, and clients that request more than there is. */
@Timeout(120)
class SlowClientTest {

    private static final int SHARD_BYTES = 1 << 20;

    private final MemoryBudget budget = new MemoryBudget(0, 1, 4L * SHARD_BYTES);
    private final ShardServer server = new ShardServer(
            new ShardTable(0, 1, List.of(0, 1), null, budget, new PrivateMemory()),
            List.of(0, 1),
            List.of(0, 1),
            Faults.NONE);
    private final AskedServer asked = new AskedServer(server);

    @TempDir
    Path directory;

    private void create() {
        BufferSpec box = new BufferSpec("box", ElementType.FLOAT32, SHARD_BYTES / Float.BYTES, false);
        assertThat(asked.ask(0, new Request.Create(box, 1))).isInstanceOf(Reply.Opened.class);
    }

    @Test
    void whoAsksWithoutListeningIsAnsweredAFewTimesAndTheOthersAlways() {
        create();
        for (int i = 0; i < 100_000; i++) {
            asked.send(0, new Request.Read(0));
        }

        AskedServer.Replies fast = new AskedServer.Replies();
        for (int i = 0; i < 20; i++) {
            asked.send(1, new Request.Read(0));
            server.clients().get(1).advance(fast, true);
        }
        AskedServer.Replies slow = asked.receive(0);

        assertThat(slow.all).hasSize(ClientLink.MOST_REPLIES);
        assertThat(slow.dataBytes).isEqualTo((long) ClientLink.MOST_REPLIES * SHARD_BYTES);
        assertThat(fast.all).hasSize(20);
        assertThat(fast.dataBytes).isEqualTo(20L * SHARD_BYTES);
        assertThat(budget.taken()).as("replies are read from the shard").isEqualTo(SHARD_BYTES);
    }

    @Test
    void whoBeginsManyChangesAndEndsNoneHasRoomForOne() {
        create();
        for (int i = 0; i < 10_000; i++) {
            asked.announce(0, new Request.Accumulate(0, new ChangeId(1, 1)), SHARD_BYTES);
        }

        assertThat(budget.taken()).isEqualTo(2L * SHARD_BYTES);
    }

    @Test
    void whoWaitsForManyVersionsWaitsForOne() {
        create();
        for (int i = 1; i <= 10_000; i++) {
            asked.send(0, new Request.AwaitVersion(0, i));
        }

        assertThat(server.waiting()).isEqualTo(1);
    }

    @Test
    void whoMakesMoreBuffersThanThereIsRoomForIsRefused() {
        create();
        int refusals = 0;
        for (int i = 0; i < 100; i++) {
            BufferSpec box = new BufferSpec("box " + i, ElementType.FLOAT32, SHARD_BYTES / Float.BYTES, false);
            refusals += asked.ask(1, new Request.Create(box, 1)) instanceof Reply.Refused ? 1 : 0;
        }

        assertThat(budget.taken()).isEqualTo(4L * SHARD_BYTES);
        assertThat(refusals).isEqualTo(97);
    }

    /** Real processes over UDP: the slow one is stopped in the middle of its reads. */
    @Test
    void aServerDoesNotGrowWhileAClientStandsStill() throws Exception {
        List<String> flags = List.of("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED", "-Xmx64m");
        String rendezvous = directory.resolve("rendezvous").toString();
        try (RankJvm fast = RankJvm.start(directory, flags, Map.of(), SlowClientProgram.class, "0", rendezvous);
                RankJvm slow = RankJvm.start(directory, flags, Map.of(), SlowClientProgram.class, "1", rendezvous);
                RankJvm serving = RankJvm.start(directory, flags, Map.of(), SlowClientProgram.class, "2", rendezvous)) {
            slow.awaitOutput("has read 20 times");
            fast.awaitOutput("has read 20 times");
            slow.signal("STOP");
            long before = residentKilobytes(serving);
            // Not more: a rank that is stopped for 15 s is lost, and a busy machine is slow.
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

    private static long residentKilobytes(RankJvm process) throws Exception {
        return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D+", "")))
                .findFirst()
                .orElseThrow();
    }
}
