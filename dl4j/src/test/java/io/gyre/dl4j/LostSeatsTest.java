package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
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
    private static final Duration LONG = SeatProcesses.LONG;

    private static String expected = "";

    @TempDir
    private Path directory;

    private String gate = "";
    private boolean segments;
    private long stop;

    @BeforeAll
    static void withoutLosses() throws Exception {
        expected = SeatedProgram.onThreads(SEATS, false);
    }

    private SeatProcesses open(int processCount) throws Exception {
        return new SeatProcesses(directory, SeatedProgram.class, SEATS, processCount);
    }

    private void start(SeatProcesses run, String transport, String halt) throws Exception {
        run.start(transport, Map.of("halt", halt, "gate", gate, "segments", segments, "stop", stop));
    }

    private static void awaitResults(SeatProcesses run, int count) throws Exception {
        run.awaitResults(count, expected + " equal 1");
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
        try (SeatProcesses run = open(SEATS)) {
            start(run, transport, place);
            for (int i = 1; i < SEATS; i++) {
                start(run, transport, "");
            }
            if (place.equals("start")) {
                run.process(0).awaitExit(LONG);
                start(run, transport, "");
            }
            awaitResults(run, place.equals("start") ? SEATS : SEATS - 1);
        }
    }

    /** The first batch takes two steps, and the second three: they are repeated from their beginning. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"step:1", "step:4", "step:6"})
    void aProcessThatIsLostBetweenTwoSegmentsChangesNothing(String place) throws Exception {
        segments = true;
        try (SeatProcesses run = open(3)) {
            start(run, "shm", place);
            start(run, "shm", "");
            start(run, "shm", "");
            run.awaitResults(2, SeatedProgram.onThreads(SEATS, true) + " equal 1");
        }
    }

    /** The request is in a step, or a batch, that is repeated. */
    @ParameterizedTest(name = "segments {0}, {1}")
    @CsvSource({"false, pass:4", "true, pass:5"})
    void aRequestToStopIsNotForgotten(boolean sequences, String place) throws Exception {
        segments = sequences;
        stop = 3;
        String stopped = SeatedProgram.onThreads(SEATS, sequences, stop);
        assertThat(stopped).isNotEqualTo(SeatedProgram.onThreads(SEATS, sequences));
        try (SeatProcesses run = open(SEATS)) {
            start(run, "shm", place);
            for (int i = 1; i < SEATS; i++) {
                start(run, "shm", "");
            }
            run.awaitResults(SEATS - 1, stopped + " equal 1");
        }
    }

    @Test
    void allButOneMayBeLost() throws Exception {
        try (SeatProcesses run = open(SEATS)) {
            start(run, "shm", "step:2");
            start(run, "shm", "step:5");
            start(run, "shm", "read:7");
            start(run, "shm", "");
            awaitResults(run, 1);
        }
    }

    @Test
    void anotherProcessTakesTheSeats() throws Exception {
        gate = directory.resolve("gate").toString();
        try (SeatProcesses run = open(SEATS)) {
            start(run, "shm", "step:6");
            for (int i = 1; i < SEATS; i++) {
                start(run, "shm", "");
            }
            run.process(0).awaitExit(LONG);
            start(run, "shm", "");
            run.await("joined", SEATS + 1);
            Files.createFile(Path.of(gate));
            awaitResults(run, SEATS);
            assertThat(run.events()).anyMatch(event -> event.startsWith("generation 3 of 4"));
        }
    }

    /** The first process is lost, then the other, which has the state alone, and only then another comes. */
    @ParameterizedTest(name = "{0}, segments {1}, {3}")
    @CsvSource({
        "shm, false, step:3, step:7, 6",
        "udp, false, step:1, step:2, 1",
        "shm, false, step:3, evaluate, 12",
        "shm, true, step:1, step:6, 5",
    })
    void theLastProcessThatHasTheStateMayBeLost(
            String transport, boolean sequences, String first, String last, int reached) throws Exception {
        segments = sequences;
        try (SeatProcesses run = open(2)) {
            loseBoth(run, transport, first, last);
            start(run, transport, "");

            run.awaitResults(1, SeatedProgram.onThreads(SEATS, sequences) + " equal 1");
            assertThat(run.events()).contains("generation 3 of 1, step " + reached);
        }
    }

    private void loseBoth(SeatProcesses run, String transport, String first, String last) throws Exception {
        start(run, transport, first);
        start(run, transport, last);
        run.process(0).awaitExit(LONG);
        run.process(1).awaitExit(LONG);
        run.await("lost", 2);
    }

    @Test
    void aDamagedCopyIsNotUsed() throws Exception {
        try (SeatProcesses run = open(2)) {
            loseBoth(run, "shm", "step:3", "step:7");
            Path copy = run.copies().get(0);
            byte[] bytes = Files.readAllBytes(copy);
            bytes[bytes.length / 2] ^= 1;
            Files.write(copy, bytes);
            start(run, "shm", "");

            awaitResults(run, 1);
            assertThat(run.events()).contains("generation 3 of 1, step -1");
        }
    }

    @Test
    void thereIsNoCopyWhenSeveralProcessesHaveTheState() throws Exception {
        gate = directory.resolve("gate").toString();
        try (SeatProcesses run = open(2)) {
            start(run, "shm", "step:6");
            start(run, "shm", "");
            run.process(1).awaitOutput("done step 8");
            assertThat(run.copies()).hasSize(1);
            start(run, "shm", "");
            run.await("joined", 3);
            Files.createFile(Path.of(gate));

            awaitResults(run, 2);
            assertThat(run.copies()).isEmpty();
        }
    }

    /** A frozen process is given up, and takes part again when it wakes. */
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"shm", "udp"})
    void aFrozenProcessIsGivenUpAndComesAgain(String transport) throws Exception {
        gate = directory.resolve("gate").toString();
        try (SeatProcesses run = open(SEATS)) {
            for (int i = 0; i < SEATS; i++) {
                start(run, transport, "");
            }
            RankJvm frozen = run.process(2);
            frozen.awaitOutput("done step 8");
            frozen.signal("STOP");
            run.await("lost", 1);
            Files.createFile(Path.of(gate));
            run.process(1).awaitOutput("done step 9");
            frozen.signal("CONT");
            awaitResults(run, SEATS);
        }
    }
}
