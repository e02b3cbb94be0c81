package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.membership.SeatListener;
import io.gyre.membership.Seating;
import io.gyre.membership.SilenceLimits;
import io.gyre.membership.UsherPlan;
import io.gyre.session.Reached;
import io.gyre.testkit.Eventually;
import io.gyre.testkit.RankJvm;
import io.gyre.transport.RunSecret;
import io.gyre.transport.UsherServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes of a run with seats are lost at given places: the result is that of a run without losses. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class LostSeatsTest {

    private static final int SEATS = 4;
    private static final Duration LONG = Duration.ofMinutes(2);

    private static String expected = "";

    @TempDir
    private Path directory;

    private String gate = "";
    private boolean segments;

    private final List<RankJvm> processes = new ArrayList<>();
    private final List<String> events = new CopyOnWriteArrayList<>();

    @BeforeAll
    static void withoutLosses() throws Exception {
        expected = SeatedProgram.onThreads(SEATS, false);
    }

    private final class Events implements SeatListener {

        @Override
        public void joined(String process, long pid) {
            events.add("joined");
        }

        @Override
        public void lost(String process, long pid, List<Integer> seats, int generation, Reached newest, String reason) {
            events.add("lost " + seats + " in generation " + generation);
        }

        @Override
        public void convened(int generation, Seating seating, Reached newest, long behind) {
            events.add("generation " + generation + " of " + seating.processes().size() + ", step " + newest.step());
        }

        @Override
        public void failed(String reason) {
            events.add(reason);
        }
    }

    private UsherServer open(int processCount) throws Exception {
        UsherPlan plan =
                new UsherPlan(SEATS, processCount, 1, LONG, LONG, LONG, SilenceLimits.within(Duration.ofSeconds(3)));
        return UsherServer.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), plan, secret, new Events());
    }

    private final RunSecret secret = RunSecret.random(new SecureRandom());

    private RankJvm start(UsherServer usher, String transport, String halt) throws Exception {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        flags.add("-Dhalt=" + halt);
        flags.add("-Dgate=" + gate);
        flags.add("-Dsegments=" + segments);
        Path token = directory.resolve("token" + processes.size());
        secret.write(token);
        Map<String, String> environment = new HashMap<>(Map.of(
                "GYRE_SEATS", String.valueOf(SEATS),
                "GYRE_RENDEZVOUS", usher.endpoint(),
                "GYRE_TRANSPORT", transport,
                "GYRE_TOKEN_FILE", token.toString(),
                "OMP_NUM_THREADS", "1"));
        RankJvm process = RankJvm.start(directory, flags, environment, SeatedProgram.class);
        processes.add(process);
        return process;
    }

    private void awaitResults(int count) throws Exception {
        awaitResults(count, expected);
    }

    private void awaitResults(int count, String result) throws Exception {
        int found = 0;
        for (RankJvm process : processes) {
            int status = process.awaitExit(LONG);
            if (status == 137) {
                assertThat(process.output()).contains("halts at");
                continue;
            }
            assertThat(status).as(process.output()).isZero();
            assertThat(process.output()).contains(result + " equal 1");
            found++;
        }
        assertThat(found).isEqualTo(count);
    }

    @AfterEach
    void end() {
        processes.forEach(RankJvm::close);
    }

    @ParameterizedTest(name = "{0}, {1}")
    @CsvSource({
        "shm, step:3",
        "udp, step:4",
        "shm, read:2",
        "udp, read:5",
        "shm, evaluate",
        "udp, start",
        "shm, step:18",
    })
    void aLostProcessChangesNothing(String transport, String place) throws Exception {
        try (UsherServer usher = open(SEATS)) {
            start(usher, transport, place);
            for (int i = 1; i < SEATS; i++) {
                start(usher, transport, "");
            }
            if (place.equals("start")) {
                processes.get(0).awaitExit(LONG);
                start(usher, transport, "");
            }
            awaitResults(place.equals("start") ? SEATS : SEATS - 1);
        }
    }

    /** The first batch takes two steps, and the second three: they are repeated from their beginning. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"step:1", "step:4", "step:6"})
    void aProcessThatIsLostBetweenTwoSegmentsChangesNothing(String place) throws Exception {
        segments = true;
        try (UsherServer usher = open(3)) {
            start(usher, "shm", place);
            start(usher, "shm", "");
            start(usher, "shm", "");
            awaitResults(2, SeatedProgram.onThreads(SEATS, true));
        }
    }

    @Test
    void allButOneMayBeLost() throws Exception {
        try (UsherServer usher = open(SEATS)) {
            start(usher, "shm", "step:2");
            start(usher, "shm", "step:5");
            start(usher, "shm", "read:7");
            start(usher, "shm", "");
            awaitResults(1);
        }
    }

    @Test
    void anotherProcessTakesTheSeats() throws Exception {
        gate = directory.resolve("gate").toString();
        try (UsherServer usher = open(SEATS)) {
            start(usher, "shm", "step:6");
            for (int i = 1; i < SEATS; i++) {
                start(usher, "shm", "");
            }
            processes.get(0).awaitExit(LONG);
            start(usher, "shm", "");
            await("joined", SEATS + 1);
            Files.createFile(Path.of(gate));
            awaitResults(SEATS);
        }
        assertThat(events).anyMatch(event -> event.startsWith("generation 3 of 4"));
    }

    /** A frozen process is given up, and takes part again when it wakes. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"shm", "udp"})
    void aFrozenProcessIsGivenUpAndComesAgain(String transport) throws Exception {
        gate = directory.resolve("gate").toString();
        try (UsherServer usher = open(SEATS)) {
            for (int i = 0; i < SEATS; i++) {
                start(usher, transport, "");
            }
            RankJvm frozen = processes.get(2);
            frozen.awaitOutput("done step 8");
            frozen.signal("STOP");
            await("lost", 1);
            Files.createFile(Path.of(gate));
            processes.get(1).awaitOutput("done step 9");
            frozen.signal("CONT");
            awaitResults(SEATS);
        }
    }

    private void await(String event, int count) {
        Eventually.that(
                count + " times '" + event + "'",
                LONG,
                () -> events.stream().filter(each -> each.startsWith(event)).count() >= count);
    }
}
