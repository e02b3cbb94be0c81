package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Three seats on two processes and a spare, two seats on two processes, and two servers. */
class GroupPlanTest {

    private static final GroupPlan PLAN = new GroupPlan(
            List.of(new SeatPlan(3, 2, 1, 1, SeatPlan.LOST_AFTER), new SeatPlan(2, 2, 0, 1, SeatPlan.LOST_AFTER)), 2);

    @Test
    void processesAreNumberedByGroupAndServersComeLast() {
        assertThat(PLAN.all()).isEqualTo(7);
        assertThat(PLAN.ranks()).isEqualTo(7);
        assertThat(PLAN.size()).isEqualTo(4);
        assertThat(IntStream.range(0, 7).map(PLAN::groupOf)).containsExactly(0, 0, 0, 1, 1, 2, 2);
        assertThat(IntStream.range(0, 7).filter(PLAN::isServer)).containsExactly(5, 6);
        assertThat(PLAN.rankOfServer(5)).isEqualTo(2);
        assertThat(PLAN.processOfServer(3)).isEqualTo(6);
        assertThat(LaunchPlan.of(JavaProgram.mainClass("X", List.of()), 7)
                        .withGroups(PLAN)
                        .ranks())
                .isEqualTo(7);
    }

    @Test
    void oneGroupOrNoServerIsRefused() {
        List<SeatPlan> groups = PLAN.groups();
        assertThatThrownBy(() -> new GroupPlan(groups.subList(0, 1), 1)).hasMessageContaining("1 groups and 1 servers");
        assertThatThrownBy(() -> new GroupPlan(groups, 0)).hasMessageContaining("2 groups and 0 servers");
    }

    /** A process computes with the threads of one of all ranks, and not of those of its group. */
    @Test
    void aProcessIsToldItsGroupAndAServerIsARank() {
        LaunchPlan plan =
                LaunchPlan.of(JavaProgram.mainClass("X", List.of()), 7).withGroups(PLAN);
        Placement place = new Placement(4, 7, HostAddress.ownName(), true, 4, 7);

        Map<String, String> ofProcess = RankStart.of(
                        place,
                        plan.ofProcess(Optional.of(PLAN.groups().get(1)), Map.of("GYRE_GROUP", "1")),
                        "h:1",
                        Optional.empty(),
                        false)
                .variables();
        Placement ofServer = new Placement(2, 4, HostAddress.ownName(), true, 2, 4);
        RankStart server =
                RankStart.of(ofServer, plan.ofProcess(Optional.empty(), Map.of()), "h:2", Optional.empty(), false);

        assertThat(ofProcess)
                .containsEntry("GYRE_SEATS", "2")
                .containsEntry("GYRE_GROUP", "1")
                .containsEntry("GYRE_LOCAL_SIZE", "7")
                .containsEntry("GYRE_RENDEZVOUS", "h:1")
                .doesNotContainKeys("GYRE_RANK", "GYRE_WORLD_SIZE");
        assertThat(server.variables())
                .containsEntry("GYRE_RANK", "2")
                .containsEntry("GYRE_WORLD_SIZE", "4")
                .containsEntry("GYRE_LOCAL_SIZE", "4")
                .containsEntry("GYRE_RENDEZVOUS", "h:2")
                .doesNotContainKeys("GYRE_SEATS", "GYRE_GROUP");
        assertThat(server.at(place).place()).isEqualTo(place);
        assertThat(server.at(place).variables()).isEqualTo(server.variables());
    }
}
