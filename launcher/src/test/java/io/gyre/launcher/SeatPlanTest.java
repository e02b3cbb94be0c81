package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SeatPlanTest {

    private static SeatPlan plan(int seats, int processes) {
        return new SeatPlan(seats, processes, 1, 1, SeatPlan.LOST_AFTER);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0, 1, 3, --processes 0: expected 1 to 4",
        "5, 0, 1, 3, --processes 5: expected 1 to 4",
        "2, -1, 1, 3, --spares -1: expected 0 to 1000",
        "2, 0, 0, 3, --min-processes 0: expected 1 to 2",
        "2, 0, 3, 3, --min-processes 3: expected 1 to 2",
        "2, 0, 1, 0, --lost-after 0: expected 1 or more",
    })
    void whatCannotBeIsNamed(int processes, int spares, int least, int lostAfter, String message) {
        assertThatThrownBy(() -> new SeatPlan(4, processes, spares, least, Duration.ofSeconds(lostAfter)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void processesAndSparesAreStarted() {
        LaunchPlan launched =
                LaunchPlan.of(JavaProgram.mainClass("X", List.of()), 8).withSeats(plan(8, 3));

        assertThat(launched.ranks()).isEqualTo(4);
        assertThat(LaunchPlan.of(JavaProgram.mainClass("X", List.of()), 8)
                        .withSeats(Optional.empty())
                        .ranks())
                .isEqualTo(8);
    }

    @Test
    void processesKnowWhereACopyOfTheStateIsKept() {
        LaunchPlan launched = LaunchPlan.of(JavaProgram.mainClass("X", List.of()), 8)
                .withEnvironment(Map.of("A", "b"))
                .withSeats(plan(8, 3))
                .withState(Path.of("/dev/shm/x"));

        assertThat(launched.environment()).isEqualTo(Map.of("A", "b", "GYRE_STATE_DIR", "/dev/shm/x"));
    }

    /** Which ranks a process holds, it learns later; it computes with the threads of one of them. */
    @Test
    void aProcessHasSeatsAndTheThreadsOfARank() {
        LaunchPlan launched =
                LaunchPlan.of(JavaProgram.mainClass("X", List.of()), 8).withSeats(plan(8, 1));
        Placement alone = new Placement(0, 1, HostAddress.ownName(), true, 0, 1);

        Map<String, String> variables =
                RankStart.of(alone, launched, "h:1", Optional.empty(), false).variables();

        assertThat(variables)
                .containsEntry("GYRE_SEATS", "8")
                .containsEntry("GYRE_LOCAL_SIZE", "8")
                .containsEntry("GYRE_RENDEZVOUS", "h:1")
                .doesNotContainKeys("GYRE_RANK", "GYRE_WORLD_SIZE");
        int cores = Runtime.getRuntime().availableProcessors();
        String own = System.getenv("OMP_NUM_THREADS");
        assertThat(variables)
                .containsEntry("OMP_NUM_THREADS", own == null ? String.valueOf(Math.max(1, cores / 8)) : own);
    }
}
