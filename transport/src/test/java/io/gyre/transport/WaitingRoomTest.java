package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WaitingRoomTest {

    private final WaitingRoom<String> room = new WaitingRoom<>(2, 10);

    @Test
    void theOldestMakesRoom() {
        assertThat(room.enter("a", 0)).isNull();
        assertThat(room.enter("b", 1)).isNull();
        assertThat(room.enter("c", 2)).isEqualTo("a");
        assertThat(room.contains("a")).isFalse();
        room.leave("b");
        assertThat(room.enter("d", 3)).isNull();
        assertThat(room.removeOldest()).isEqualTo("c");
        assertThat(room.removeOldest()).isEqualTo("d");
        assertThat(room.removeOldest()).isNull();
    }

    @Test
    void whoEntersAgainIsTheYoungestAndPushesNobodyOut() {
        room.enter("a", 0);
        room.enter("b", 1);
        assertThat(room.enter("a", 2)).isNull();
        assertThat(room.enter("c", 3)).isEqualTo("b");
    }

    @Test
    void timeIsUpAfterThePatienceAndNotBefore() {
        room.enter("a", 0);
        room.enter("b", 5);
        assertThat(room.removeExpired(10)).isEmpty();
        assertThat(room.removeExpired(11)).containsExactly("a");
        assertThat(room.removeExpired(11)).isEmpty();
        room.enter("b", 12);
        assertThat(room.removeExpired(22)).isEmpty();
        assertThat(room.removeExpired(100)).containsExactly("b");
    }
}
