package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.Member;
import io.gyre.membership.Message.Awaited;
import io.gyre.membership.Message.Backed;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Message.Welcome;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CoordinatorTest {

    private static final Map<String, String> OPTIONS = Map.of("transport", "auto");

    @Test
    void whoeverConnectsLearnsWhichRunThisIs() {
        Played played = new Played(3);

        played.connect(7);

        assertThat(played.take(7))
                .containsExactly(new Welcome(
                        Message.PROTOCOL_VERSION, Played.RUN, 3, false, Played.HOST, SilenceLimits.DEFAULT));
    }

    @Test
    void everybodyGetsTheRosterWhenAllAreReady() {
        Played played = new Played(3);
        for (int rank : new int[] {2, 0, 1}) {
            played.join(rank, 3);
            played.take(rank);
        }
        played.ready(0);
        played.ready(2);
        assertThat(played.take(0)).isEmpty();

        played.ready(1);

        List<Seat> seats = List.of(
                new Seat(Played.member(0), Map.of("at", "address0")),
                new Seat(Played.member(1), Map.of("at", "address1")),
                new Seat(Played.member(2), Map.of("at", "address2")));
        for (int rank = 0; rank < 3; rank++) {
            assertThat(played.takeWords(rank)).containsExactly(new Roster(rank, seats));
        }
        assertThat(played.heard).containsExactly("joined 2", "joined 0", "joined 1", "complete");
        assertThat(played.coordinator.members()).extracting(Member::rank).containsExactly(0, 1, 2);
    }

    @Test
    void ranksWithoutNumberTakeTheFreeOnesAndGiveWayToThoseWithOne() {
        Played played = new Played(3);
        played.join(10, anyRank());
        played.join(11, anyRank());

        played.join(0, 3);

        played.ready(10);
        played.ready(11);
        played.ready(0);
        assertThat(rosterRank(played, 0)).isZero();
        assertThat(rosterRank(played, 10)).isEqualTo(2);
        assertThat(rosterRank(played, 11)).isEqualTo(1);
    }

    private static Join anyRank() {
        return new Join(Message.PROTOCOL_VERSION, 3, new Member(Message.ANY_RANK, "elsewhere", 5), OPTIONS);
    }

    private static int rosterRank(Played played, int connection) {
        List<Message> messages = played.take(connection);
        assertThat(messages).last().isInstanceOf(Roster.class);
        return ((Roster) messages.get(messages.size() - 1)).rank();
    }

    @Test
    void aRankThatIsTakenIsRefusedWithBothNamed() {
        Played played = new Played(2);
        played.join(0, 2);

        played.join(5, new Join(Message.PROTOCOL_VERSION, 2, new Member(0, "copy", 55), OPTIONS));

        assertRefused(played, 5, "rank 0 (host copy, pid 55) has joined already: host host0, pid 100 was first");
        played.join(1, 2);
        played.ready(0);
        played.ready(1);
        assertThat(played.heard).containsExactly("joined 0", "refused", "joined 1", "complete");
    }

    @Test
    void anotherWorldSizeIsRefusedWithBothNamed() {
        Played played = new Played(2);
        played.join(0, 2);

        played.join(1, 3);

        assertRefused(
                played,
                1,
                "rank 1 (host host1, pid 101) expects a world of 3 ranks, rank 0 (host host0, pid 100) expects 2");
    }

    @Test
    void anotherProtocolVersionIsRefusedWithBothValues() {
        Played played = new Played(2);

        played.join(1, new Join(9, 2, Played.member(1), Map.of()));

        assertRefused(
                played,
                1,
                "rank 1 (host host1, pid 101) uses version 9",
                "on host head version " + Message.PROTOCOL_VERSION);
    }

    @Test
    void anotherOptionIsRefusedWithBothNamedAndBothValues() {
        Played played = new Played(2);
        played.join(0, 2);

        played.join(1, new Join(Message.PROTOCOL_VERSION, 2, Played.member(1), Map.of("transport", "udp")));

        assertRefused(
                played, 1, "rank 1 (host host1, pid 101) has transport = udp, rank 0 (host host0, pid 100) has auto");
    }

    @Test
    void aRankThatDoesNotExistIsRefused() {
        Played played = new Played(2);

        played.join(2, 2);

        assertRefused(played, 2, "rank 2 (host host2, pid 102) does not exist in a world of 2 ranks (0 to 1)");
    }

    @Test
    void aRankTooManyIsRefused() {
        Played played = Played.complete(2);

        played.join(5, new Join(Message.PROTOCOL_VERSION, 2, new Member(Message.ANY_RANK, "late", 55), OPTIONS));

        assertRefused(played, 5, "(host late, pid 55) is too late: all 2 ranks have joined already");
    }

    private static void assertRefused(Played played, int connection, String... words) {
        List<Message> messages = played.take(connection);
        assertThat(messages)
                .last()
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.reason()).contains(words));
        assertThat(played.closed).contains(connection);
        assertThat(played.coordinator.hasJoined(connection)).isFalse();
    }

    @Test
    void atTheDeadlineAllWhoCameLearnWhoIsMissing() {
        Played played = new Played(4);
        played.join(0, 4);
        played.join(2, 4);
        played.ready(0);
        played.join(1, 5);
        keepAlive(played, Played.JOIN_TIMEOUT.minus(Coordinator.TICK), 0, 2);
        assertThat(played.takeWords(0)).noneMatch(Refused.class::isInstance);

        played.pass(Coordinator.TICK);

        for (int rank : new int[] {0, 2}) {
            assertThat(played.take(rank))
                    .last()
                    .isInstanceOfSatisfying(
                            Refused.class,
                            refused -> assertThat(refused.reason())
                                    .contains("within 60000 ms", "Missing of 4 ranks: [1, 3]")
                                    .contains("not ready: [rank 2 (host host2, pid 102)]")
                                    .contains("Refused: [rank 1 (host host1, pid 101) expects a world of 5"));
        }
        assertThat(played.closed).contains(0, 2);
        assertThat(played.heard).endsWith("failed");
        assertThat(played.coordinator.isOver()).isTrue();
    }

    @Test
    void aRankThatDiesBeforeAllHaveComeEndsTheRunAtOnce() {
        Played played = new Played(3);
        played.join(0, 3);
        played.join(1, 3);

        played.disconnect(1);

        assertLost(played, 0, 1, "its connection was closed");
        played.join(2, 3);
        assertRefused(played, 2, "is too late: the run has lost rank 1 (host host1, pid 101)");
    }

    @Test
    void aRankThatDiesIsNamedToAllOthers() {
        Played played = Played.complete(3);

        played.disconnect(2);

        for (int rank = 0; rank < 2; rank++) {
            assertLost(played, rank, 2, "its connection was closed");
        }
        assertThat(played.heard).containsExactly("lost 2");
    }

    @Test
    void onlyTheFirstLossIsTold() {
        Played played = Played.complete(3);

        played.disconnect(2);
        played.disconnect(1);
        played.receive(0, new Failed("it failed: rank 2 was lost"));

        assertThat(played.takeWords(0)).hasSize(1);
        assertThat(played.heard).containsExactly("lost 2");
    }

    @Test
    void aRankThatCannotGoOnIsNamedWithItsReason() {
        Played played = Played.complete(2);

        played.receive(1, new Failed("the disk is full"));

        assertLost(played, 0, 1, "the disk is full");
    }

    private static void assertLost(Played played, int connection, int rank, String reason) {
        assertThat(played.takeWords(connection)).last().isEqualTo(new Lost(Played.member(rank), reason));
    }

    @Test
    void aRankThatLeavesIsNotLost() {
        Played played = Played.complete(2);

        played.leave(1);
        played.disconnect(1);

        assertThat(played.takeWords(0)).containsExactly(new Left(1, List.of(1L, 1L), "step 1", ""));
        assertThat(played.takeWords(1)).containsExactly(new Left(1, List.of(1L, 1L), "step 1", ""));
        assertThat(played.coordinator.isOver()).isFalse();
        played.leave(0);
        assertThat(played.coordinator.isOver()).isTrue();
        assertThat(played.heard).containsExactly("left 1", "left 0");
    }

    @Test
    void aRankThatLeavesBeforeAllHaveComeIsLost() {
        Played played = new Played(2);
        played.join(0, 2);
        played.join(1, 2);

        played.leave(1);

        assertLost(played, 0, 1, "it left before all ranks had joined");
    }

    @Test
    void aRankThatLeavesIsToldOfACallThatItHasNotMade() {
        Played played = Played.complete(2);
        played.offer(0, "export to model.zip", "");

        played.leave(1);

        Left left = new Left(1, List.of(1L, 1L), "step 1", "'export to model.zip' of " + Played.member(0));
        assertThat(played.takeWords(1)).containsExactly(left);
    }

    @Test
    void whoeverIsNotAboutToSpeakIsReported() {
        Played played = Played.complete(3);
        played.disconnect(2);

        played.receive(1, new Unaware());

        assertThat(played.heard).containsExactly("lost 2", "unaware 1");
    }

    @Test
    void aRankThatLeavesSaysWhatItHasSentToEverybody() {
        Played played = Played.complete(2);

        played.receive(1, new Leave(List.of(5L), ""));

        assertLost(played, 0, 1, "it left with 1 counts for 2 ranks");
    }

    @Test
    void anExchangeGivesEverybodyTheValuesOfAllInTheOrderOfRanks() {
        Played played = Played.complete(3);

        played.offer(2, "fruit", "two");
        played.offer(0, "fruit", "zero");
        assertThat(played.takeWords(0)).isEmpty();
        played.offer(1, "fruit", "one");

        for (int rank = 0; rank < 3; rank++) {
            assertThat(played.takeWords(rank)).containsExactly(value(0, "zero"), value(1, "one"), value(2, "two"));
        }
        played.offer(0, "next", "a");
        played.offer(1, "next", "b");
        played.offer(2, "next", "c");
        assertThat(played.takeWords(1)).containsExactly(value(0, "a"), value(1, "b"), value(2, "c"));
    }

    private static Value value(int rank, String text) {
        return new Value(rank, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void ranksThatExchangeDifferentThingsAllLearnIt() {
        Played played = Played.complete(2);

        played.offer(0, "apples", "1");
        played.offer(1, "pears", "1");

        for (int rank = 0; rank < 2; rank++) {
            assertThat(played.takeWords(rank))
                    .singleElement()
                    .isInstanceOfSatisfying(
                            Disagreed.class,
                            disagreed -> assertThat(disagreed.reason())
                                    .contains(
                                            "rank 0 (host host0, pid 100) 'apples'",
                                            "rank 1 (host host1, pid 101) 'pears'"));
        }
    }

    @Test
    void whoeverWaitsInAnExchangeLearnsForWhom() {
        Played played = Played.complete(3);

        played.offer(0, "fruit", "zero");
        assertThat(played.take(0)).containsExactly(new Awaited(1));
        played.offer(1, "fruit", "one");
        played.pass(Coordinator.HEARTBEAT);

        assertThat(played.take(0)).contains(new Awaited(2));
    }

    @Test
    void aRankThatOffersTwiceBreaksTheRules() {
        Played played = Played.complete(2);

        played.offer(0, "fruit", "zero");
        played.offer(0, "fruit", "zero");

        assertLost(played, 1, 0, "it offered a value for 'fruit' out of turn");
    }

    @Test
    void aRankThatSpeaksLikeACoordinatorIsLost() {
        Played played = Played.complete(2);

        played.receive(0, new Left(1, List.of(), "", ""));

        assertLost(played, 1, 0, "it sent a Left message, which is not a rank's to send");
    }

    @Test
    void aStrangerWhoDoesNotJoinIsShutOut() {
        Played played = Played.complete(2);
        played.connect(9);

        played.receive(9, new Leave(List.of(), ""));

        assertThat(played.closed).containsExactly(9);
        assertThat(played.takeWords(0)).isEmpty();
    }

    @Test
    void everybodyHearsFourHeartbeatsASecond() {
        Played played = Played.complete(2);

        keepAlive(played, Duration.ofSeconds(10), 0, 1);

        assertThat(played.take(0))
                .hasSizeBetween(39, 41)
                .allMatch(Heartbeat.class::isInstance)
                .doesNotHaveDuplicates();
    }

    @Test
    void aSilentRankIsSuspectedAndThenLost() {
        Played played = Played.complete(2);

        keepAlive(played, SilenceLimits.DEFAULT.suspicion(), 0);
        assertThat(played.heard).isEmpty();
        keepAlive(played, Coordinator.HEARTBEAT, 0);
        assertThat(played.heard).containsExactly("suspected 1");
        keepAlive(played, SilenceLimits.DEFAULT.loss().minus(SilenceLimits.DEFAULT.suspicion()), 0);

        assertThat(played.heard).containsExactly("suspected 1", "lost 1");
        assertLost(played, 0, 1, "it has not answered for 15 s, though its connection is open");
    }

    @Test
    void aRankThatIsHeardAgainIsNoLongerSuspected() {
        Played played = Played.complete(2);
        keepAlive(played, SilenceLimits.DEFAULT.suspicion().multipliedBy(2), 0);

        keepAlive(played, SilenceLimits.DEFAULT.loss(), 0, 1);

        assertThat(played.heard).containsExactly("suspected 1");
    }

    @Test
    void aStalledCoordinatorDoesNotBlameTheRanks() {
        Played played = Played.complete(2);

        played.stall(Duration.ofHours(1));
        keepAlive(played, Duration.ofSeconds(1), 0, 1);

        assertThat(played.heard).isEmpty();
    }

    /** Also if the answers to its last heartbeat have arrived, and it then sends others. */
    @Test
    void aCoordinatorThatWasStoppedAfterAHeartbeatDoesNotBlameTheRanks() {
        for (boolean readBefore : new boolean[] {true, false}) {
            Played played = Played.complete(2);
            keepAlive(played, Duration.ofSeconds(10), 0, 1);
            for (int stop = 0; stop < 100; stop++) {
                if (readBefore) {
                    played.answer(0);
                    played.answer(1);
                }
                played.stall(Duration.ofSeconds(10));
                played.answer(0);
                played.answer(1);
            }
            assertThat(played.heard)
                    .as("answers read before the time: %s", readBefore)
                    .isEmpty();
        }
    }

    @Test
    void aRankIsLostWhoseOldMessagesArriveStillButWhichAnswersNothingNew() {
        Played played = Played.complete(2);
        // From now on its time is not that of other clocks.
        played.stall(Duration.ofSeconds(60));
        keepAlive(played, Duration.ofSeconds(1), 0, 1);
        List<Message> old = played.take(1);

        Duration verdict = SilenceLimits.DEFAULT.loss().plus(Coordinator.TICK);
        for (Duration rest = verdict; !rest.isZero(); rest = rest.minus(Coordinator.TICK)) {
            old.forEach(heartbeat -> played.receive(1, heartbeat));
            played.receive(1, new Unaware());
            keepAlive(played, Coordinator.TICK, 0);
        }

        assertThat(played.heard).contains("lost 1");
        assertLost(played, 0, 1, "it has not answered for 15 s, though its connection is open");
    }

    @Test
    void anAnswerToAHeartbeatOfTheFutureCountsAsOneToTheLast() {
        Played played = Played.complete(2);
        keepAlive(played, Duration.ofSeconds(1), 0, 1);
        played.receive(1, new Heartbeat(Long.MAX_VALUE));

        keepAlive(played, SilenceLimits.DEFAULT.loss(), 0);
        assertThat(played.heard).containsExactly("suspected 1");
        keepAlive(played, Coordinator.TICK, 0);
        assertThat(played.heard).containsExactly("suspected 1", "lost 1");
    }

    /** Lets time pass, in which some ranks answer. */
    private static void keepAlive(Played played, Duration time, int... connections) {
        for (Duration rest = time; !rest.isZero(); rest = rest.minus(Coordinator.TICK)) {
            for (int connection : connections) {
                played.answer(connection);
            }
            played.pass(Coordinator.TICK);
        }
    }

    @Test
    void aRunNeedsARank() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Played(0)).withMessageContaining("a run of 0 ranks");
    }

    @Test
    void aRankIsReadyOnce() {
        Played played = new Played(2);
        played.join(0, 2);
        played.join(1, 2);

        played.receive(0, new Ready(Map.of()));
        played.receive(0, new Ready(Map.of()));

        assertLost(played, 1, 0, "it said twice that it is ready");
    }

    @Test
    void theLossOfAnExpendableRankEndsNothing() {
        Played played = Played.complete(3);
        played.receive(2, new Expendable(2));
        assertThat(played.takeWords(0)).containsExactly(new Expendable(2));

        played.disconnect(2);

        assertThat(played.takeWords(0))
                .containsExactly(new LostExpendable(Played.member(2), "its connection was closed"));
        assertThat(played.closed).containsExactly(2);
        assertThat(played.coordinator.isOver()).isFalse();
        played.leave(0);
        played.leave(1);
        assertThat(played.coordinator.isOver()).isTrue();
    }

    @Test
    void aRankThatIsBackedByAnotherIsExpendableAsLongAsThatOneIsThere() {
        Played played = Played.complete(3);
        played.receive(1, new Backed(List.of(2), List.of(0)));
        played.receive(2, new Backed(List.of(1), List.of(0)));
        assertThat(played.takeWords(0)).containsExactly(new Expendable(1), new Expendable(2));

        played.disconnect(2);

        assertThat(played.takeWords(0))
                .containsExactly(new LostExpendable(Played.member(2), "its connection was closed"));
        played.disconnect(1);
        assertLost(played, 0, 1, "its connection was closed; nobody else holds what it held");
    }

    @Test
    void aRankIsNotBackedByTheSuccessorOfWhomItHasNamed() {
        Played played = Played.complete(3);
        played.receive(1, new Backed(List.of(2), List.of(0)));
        played.receive(2, new Backed(List.of(1), List.of(0)));
        played.disconnect(2);
        played.join(5, new Join(Message.PROTOCOL_VERSION, 3, Played.member(2), OPTIONS));
        played.ready(5);
        played.take(0);

        played.disconnect(1);

        assertLost(played, 0, 1, "its connection was closed; nobody else holds what it held");
    }

    @Test
    void aRankIsBackedAgainOnceItSaysSo() {
        Played played = Played.complete(3);
        played.receive(1, new Backed(List.of(2), List.of(0)));
        played.receive(2, new Backed(List.of(1), List.of(0)));
        played.disconnect(2);
        played.join(5, new Join(Message.PROTOCOL_VERSION, 3, Played.member(2), OPTIONS));
        played.ready(5);
        played.receive(1, new Backed(List.of(2), List.of(1)));
        played.take(0);

        played.disconnect(1);

        assertThat(played.takeWords(0))
                .containsExactly(new LostExpendable(Played.member(1), "its connection was closed"));
    }

    @Test
    void aRankThatSaysItIsBackedByNobodyThatExistsIsLost() {
        Played played = Played.complete(3);

        played.receive(1, new Backed(List.of(7), List.of(0)));

        assertLost(played, 0, 1, "it is backed by rank 7, which does not exist");
    }

    @Test
    void theLossOfAnotherRankStillEndsTheRun() {
        Played played = Played.complete(3);
        played.receive(2, new Expendable(2));

        played.disconnect(1);

        assertLost(played, 2, 1, "its connection was closed");
    }

    @Test
    void anExchangeDoesNotWaitForAnExpendableRankThatHasGone() {
        Played played = Played.complete(3);
        played.receive(2, new Expendable(2));
        played.offer(0, "topic", "a");
        played.offer(1, "topic", "b");
        assertThat(played.takeValues(0)).isEmpty();

        played.disconnect(2);

        assertThat(played.takeValues(0)).containsExactly("0 a", "1 b", "2 ");
        played.offer(0, "next", "c");
        played.offer(1, "next", "d");
        assertThat(played.takeValues(1)).containsExactly("0 a", "1 b", "2 ", "0 c", "1 d", "2 ");
    }

    @Test
    void groupsExchangeBesideEachOther() {
        Played played = Played.complete(4);

        played.offer(3, List.of(1, 3), "odd", "d");
        played.offer(0, List.of(0, 2), "even", "a");
        played.offer(1, List.of(1, 3), "odd", "b");

        assertThat(played.takeValues(3)).containsExactly("1 b", "3 d");
        assertThat(played.takeValues(0)).isEmpty();
        played.offer(2, List.of(0, 2), "even", "c");
        assertThat(played.takeValues(2)).containsExactly("0 a", "2 c");
    }
}
