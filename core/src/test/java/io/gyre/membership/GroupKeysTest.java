package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who gets which group key, and when. */
class GroupKeysTest {

    private static final int RANKS = 4;

    private static Played joined() {
        Played played = new Played(RANKS);
        for (int rank = 0; rank < RANKS; rank++) {
            played.join(rank, RANKS);
            played.ready(rank);
        }
        return played;
    }

    private static void comeBack(Played played, int connection, int rank) {
        Member member = new Member(rank, "host" + rank, 999);
        played.join(connection, new Join(Message.PROTOCOL_VERSION, RANKS, member, Map.of("transport", "auto")));
        played.ready(connection);
    }

    private static List<GroupKey> keys(List<Message> messages) {
        return messages.stream()
                .filter(GroupKey.class::isInstance)
                .map(GroupKey.class::cast)
                .toList();
    }

    @Test
    void allGetTheSameKeyBeforeTheRoster() {
        Played played = joined();

        Set<GroupKey> given = new HashSet<>();
        for (int rank = 0; rank < RANKS; rank++) {
            List<Message> messages = played.take(rank);
            assertThat(messages).last().isInstanceOf(Roster.class);
            assertThat(messages.get(messages.size() - 2)).isInstanceOf(GroupKey.class);
            given.addAll(keys(messages));
        }
        assertThat(given).singleElement().satisfies(key -> {
            assertThat(key.generation()).isOne();
            assertThat(key.secret()).isNotEqualTo(ByteBuffer.allocate(Message.GROUP_KEY_BYTES));
        });
    }

    @Test
    void whoHasNotJoinedGetsNoKey() {
        Played played = new Played(RANKS);
        played.connect(9);
        played.join(0, RANKS);
        played.ready(0);

        assertThat(keys(played.take(9))).isEmpty();
        assertThat(keys(played.take(0))).isEmpty();
    }

    @Test
    void whoIsGivenUpHearsOfItAndGetsNoKeyAnyMore() {
        Played played = joined();
        played.receive(1, new Expendable(1));
        IntStream.range(0, RANKS).forEach(played::take);

        played.disconnect(1);

        assertThat(played.take(1)).singleElement().isInstanceOf(LostExpendable.class);
        for (int rank : new int[] {0, 2, 3}) {
            assertThat(keys(played.take(rank))).extracting(GroupKey::generation).containsExactly(2);
        }
    }

    @Test
    void whoComesBackGetsOneKeyOfItsOwnTimeAndTheOthersGetItFirst() {
        Played played = joined();
        played.receive(1, new Expendable(1));
        played.disconnect(1);
        IntStream.range(0, RANKS).forEach(played::take);

        comeBack(played, 9, 1);

        List<GroupKey> own = keys(played.take(9));
        assertThat(own).extracting(GroupKey::generation).containsExactly(3);
        List<Message> others = played.take(0);
        assertThat(others).element(0).isEqualTo(own.get(0));
        assertThat(others).element(1).isInstanceOf(Returned.class);
    }

    @Test
    void whoHasLeftInGoodOrderStaysAmongThem() {
        Played played = joined();
        played.receive(1, new Expendable(1));
        played.leave(0);
        IntStream.range(0, RANKS).forEach(played::take);

        played.disconnect(1);

        assertThat(keys(played.take(0))).hasSize(1);
    }

    @Test
    void aKeyIsNotWrittenInALog() {
        byte[] secret = new byte[Message.GROUP_KEY_BYTES];
        new SplittableRandom(1).nextBytes(secret);

        assertThat(new GroupKey(5, ByteBuffer.wrap(secret))).hasToString("GroupKey[generation=5]");
    }

    /** Ranks are lost, come back and leave, in any order. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void inAnyScheduleTheKeysOfAllThatAreInTheRunAreEqualAndNobodyElseHasThem(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Played played = joined();
        TreeMap<Integer, Integer> connections = new TreeMap<>();
        for (int rank = 0; rank < RANKS; rank++) {
            connections.put(rank, rank);
            if (rank > 0) {
                played.receive(rank, new Expendable(rank));
            }
            played.take(rank);
        }
        Set<Integer> outside = new HashSet<>();
        Set<ByteBuffer> known = new HashSet<>();
        int generation = 1;
        for (int i = 0; i < 200; i++) {
            int rank = 1 + random.nextInt(RANKS - 1);
            int connection = connections.get(rank);
            if (outside.remove(connection)) {
                connections.put(rank, RANKS + i);
                comeBack(played, RANKS + i, rank);
            } else {
                played.disconnect(connection);
                outside.add(connection);
            }
            generation++;
            List<GroupKey> given = new ArrayList<>();
            for (int each : connections.values()) {
                List<GroupKey> own = keys(played.take(each));
                assertThat(own).hasSize(outside.contains(each) ? 0 : 1);
                given.addAll(own);
            }
            assertThat(given.stream().distinct()).hasSize(1);
            assertThat(given.get(0).generation()).isEqualTo(generation);
            assertThat(known.add(given.get(0).secret())).as("a new key").isTrue();
        }
        assertThat(known).hasSize(200);
    }
}
