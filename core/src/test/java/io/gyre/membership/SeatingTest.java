package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SeatingTest {

    private static final int CHANGES = 20_000;

    @Test
    void neighbouringSeatsGoToOneProcess() {
        assertThat(Seating.of(5, List.of(7, 3)).holders()).containsExactly(7, 7, 7, 3, 3);
        assertThat(Seating.of(3, List.of(0, 1, 2)).holders()).containsExactly(0, 1, 2);
        assertThat(Seating.of(5, List.of(7, 3))).hasToString("process 7: seats 0, 1 and 2, process 3: seats 3 and 4");
    }

    @Test
    void theSeatsOfALostProcessGoToTheLeastLoadedThenToTheOneWithTheLowestSeat() {
        assertThat(Seating.of(4, List.of(0, 1, 2, 3)).among(List.of(0, 2, 3)).holders())
                .containsExactly(0, 0, 2, 3);
        assertThat(Seating.of(5, List.of(0, 1, 2)).among(List.of(0, 2)).holders())
                .as("seat 2 to the process with one seat, seat 3 to the one with the lowest")
                .containsExactly(0, 0, 2, 0, 2);
    }

    @Test
    void aNewcomerTakesTheSeatsOfALostProcess() {
        assertThat(Seating.of(4, List.of(0, 1)).among(List.of(0, 2)).holders()).containsExactly(0, 0, 2, 2);
    }

    @Test
    void aNewcomerTakesSeatsFromTheMostLoaded() {
        assertThat(Seating.of(4, List.of(0)).among(List.of(0, 1)).holders()).containsExactly(0, 0, 1, 1);
        assertThat(Seating.of(4, List.of(0, 1)).among(List.of(0, 1, 2)).holders())
                .as("loads of 2, 1 and 1")
                .containsExactly(0, 0, 1, 2);
    }

    @Test
    void moreProcessesThanSeatsOrNoneCannotBeSeated() {
        assertThatThrownBy(() -> Seating.of(2, List.of(0, 1, 2)))
                .hasMessage("3 processes for 2 seats: 1 to 2 can be seated");
        assertThatThrownBy(() -> Seating.of(2, List.of(0)).among(List.of()))
                .hasMessage("0 processes for 2 seats: 1 to 2 can be seated");
    }

    /** A seating changes as in a run that loses processes and gets others, from one number of processes to another. */
    @Test
    void eachSeatHasAHolderAndAsFewAsPossibleMove() {
        Random random = new Random(13);
        Seating seating = Seating.of(1, List.of(0));
        int arrivals = 0;
        for (int change = 0; change < CHANGES; change++) {
            if (change % 20 == 0) {
                int seats = 1 + random.nextInt(9);
                arrivals = 1 + random.nextInt(seats);
                seating = Seating.of(seats, IntStream.range(0, arrivals).boxed().toList());
                assertThat(loads(seating, seating.processes()))
                        .as("%s", seating)
                        .satisfies(SeatingTest::areEven);
            }
            List<Integer> next = new ArrayList<>(seating.processes());
            Collections.shuffle(next, random);
            next = next.subList(0, random.nextInt(next.size() + 1));
            int newcomers = random.nextInt(seating.size() - next.size() + 1);
            if (next.isEmpty() && newcomers == 0) {
                newcomers = 1;
            }
            next = new ArrayList<>(next);
            for (int i = 0; i < newcomers; i++) {
                next.add(arrivals++);
            }
            Seating after = seating.among(next);
            check(seating, after, next);
            Collections.sort(next);
            assertThat(seating.among(next))
                    .as("in whatever order they are named")
                    .isEqualTo(after);
            seating = after;
        }
    }

    private static void check(Seating before, Seating after, List<Integer> processes) {
        String what = before + ", then " + after;
        assertThat(after.size()).as(what).isEqualTo(before.size());
        assertThat(new TreeSet<>(after.holders())).as(what).isEqualTo(new TreeSet<>(processes));
        Map<Integer, Integer> loads = loads(after, processes);
        assertThat(loads).as(what).satisfies(SeatingTest::areEven);
        int most = Collections.max(loads.values());
        for (int seat = 0; seat < before.size(); seat++) {
            int holder = before.holders().get(seat);
            boolean stays = processes.contains(holder);
            boolean moved = stays && after.holders().get(seat) != holder;
            // Whoever gives a seat up keeps as many as anybody has, or one less.
            assertThat(moved && loads.get(holder) < most - 1).as(what).isFalse();
            assertThat(moved && before.seatsOf(holder).size() <= loads.get(holder))
                    .as("a seat for a seat: %s", what)
                    .isFalse();
            assertThat(moved && seat == 0).as("seat 0 moves: %s", what).isFalse();
        }
    }

    private static Map<Integer, Integer> loads(Seating seating, List<Integer> processes) {
        Map<Integer, Integer> loads = new HashMap<>();
        processes.forEach(process -> loads.put(process, seating.seatsOf(process).size()));
        return loads;
    }

    private static void areEven(Map<Integer, Integer> loads) {
        assertThat(Collections.max(loads.values()) - Collections.min(loads.values()))
                .isLessThan(2);
    }
}
