package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Welcome;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Ranks that are lost and restarted. */
class ReturnTest {

    private static final Map<String, String> OPTIONS = Map.of("transport", "auto");

    /** Two workers and a server; both workers are expendable. */
    private final Played played = run(Played.complete(3));

    private static Played run(Played played) {
        played.receive(0, new Expendable(0));
        played.receive(1, new Expendable(1));
        take(played, 0, 1, 2);
        return played;
    }

    private static void take(Played played, int... connections) {
        for (int connection : connections) {
            played.take(connection);
        }
    }

    private static Join successor(int rank, String host) {
        return new Join(Message.PROTOCOL_VERSION, 3, new Member(rank, host, 999), OPTIONS);
    }

    private void comeBack(int connection, int rank) {
        played.join(connection, successor(rank, "host" + rank));
        played.ready(connection);
    }

    @Test
    void theSeatOfALostRankIsGivenAwayWithAGreaterNumberAndTheOthersLearnItsAddresses() {
        played.disconnect(1);
        take(played, 0, 2);
        played.connect(9);
        assertThat(played.take(9))
                .as("others may join")
                .containsExactly(new Welcome(
                        Message.PROTOCOL_VERSION, Played.RUN, 3, false, Played.HOST, SilenceLimits.DEFAULT));

        played.receive(9, successor(1, "host1"));
        assertThat(played.takeWords(0)).as("it is not ready yet").isEmpty();
        played.ready(9);

        Seat seat = new Seat(new Member(1, "host1", 999), Map.of("at", "address9"), 1);
        assertThat(played.takeWords(0)).containsExactly(new Returned(seat));
        assertThat(played.takeWords(2)).containsExactly(new Returned(seat));
        assertThat(played.takeWords(9))
                .containsExactly(
                        new Expendable(0),
                        new Expendable(1),
                        new Roster(
                                1,
                                List.of(
                                        new Seat(Played.member(0), Map.of("at", "address0")),
                                        seat,
                                        new Seat(Played.member(2), Map.of("at", "address2")))));
        assertThat(played.heard).contains("lost expendable 1", "returned 1 as 1");
        played.connect(10);
        assertThat(((Welcome) played.take(10).get(0)).complete())
                .as("nobody else may join")
                .isTrue();
    }

    @Test
    void whoComesBackAgainHasAGreaterNumberStillAlsoIfItWasLostBeforeItWasReady() {
        played.disconnect(1);
        played.join(9, successor(1, "host1"));
        played.disconnect(9);
        comeBack(10, 1);
        played.disconnect(10);
        take(played, 0, 2);

        comeBack(11, 1);

        assertThat(played.takeWords(0))
                .containsExactly(new Returned(new Seat(new Member(1, "host1", 999), Map.of("at", "address11"), 3)));
    }

    @Test
    void whoComesBackIsToldWhoHasGone() {
        played.disconnect(0);
        played.disconnect(1);

        comeBack(9, 1);

        assertThat(played.takeWords(9)).contains(new LostExpendable(Played.member(0), "it was lost before"));
    }

    @Test
    void ofTwoThatComeBackTheLaterOneIsToldOfTheOtherByTheRosterAlone() {
        played.disconnect(0);
        played.disconnect(1);
        played.join(9, successor(1, "host1"));
        played.take(9);

        comeBack(10, 0);
        assertThat(played.takeWords(9)).as("it is not in the run yet").isEmpty();
        played.ready(9);

        assertThat(played.takeWords(9))
                .containsExactly(
                        new Expendable(1),
                        new Expendable(0),
                        new Roster(
                                1,
                                List.of(
                                        new Seat(new Member(0, "host0", 999), Map.of("at", "address10"), 1),
                                        new Seat(new Member(1, "host1", 999), Map.of("at", "address9"), 1),
                                        new Seat(Played.member(2), Map.of("at", "address2")))));
    }

    @Test
    void whoComesBackIsToldWhoHasLeftInGoodOrder() {
        played.leave(0);
        played.disconnect(1);

        comeBack(9, 1);

        assertThat(played.takeWords(9)).contains(new Left(0, Collections.nCopies(3, 0L), "step 0", ""));
    }

    @Test
    void whatTheOthersHaveExchangedIsAnsweredAsTheyWereAnswered() {
        for (int rank = 0; rank < 3; rank++) {
            played.offer(rank, "start", "s" + rank);
        }
        played.disconnect(1);
        played.offer(0, "middle", "m0");
        played.offer(2, "middle", "m2");
        comeBack(9, 1);
        take(played, 0, 2, 9);

        played.offer(9, "start", "new");
        assertThat(played.takeValues(9)).containsExactly("0 s0", "1 s1", "2 s2");
        played.offer(9, "middle", "late");
        assertThat(played.takeValues(9)).as("nobody was in its seat").containsExactly("0 m0", "1 late", "2 m2");
        assertThat(played.takeWords(0)).as("nobody else hears of it").isEmpty();
    }

    @Test
    void theOthersWaitForWhoHasComeBackInWhatTheyHaveNotHeldYet() {
        played.offer(0, "first", "a0");
        played.offer(1, "first", "a1");
        played.offer(2, "first", "a2");
        played.disconnect(1);
        played.offer(0, "end", "e0");
        comeBack(9, 1);
        take(played, 0, 2, 9);

        played.offer(2, "end", "e2");
        assertThat(played.takeValues(0)).isEmpty();
        played.offer(9, "first", "b1");
        assertThat(played.takeValues(9)).containsExactly("0 a0", "1 a1", "2 a2");
        played.offer(9, "end", "e1");

        for (int connection : new int[] {0, 2, 9}) {
            assertThat(played.takeValues(connection)).containsExactly("0 e0", "1 e1", "2 e2");
        }
    }

    @Test
    void nobodyWaitsForOneThatIsComingBeforeItIsReady() {
        played.disconnect(1);
        played.join(9, successor(1, "host1"));
        played.offer(0, "topic", "a");
        played.offer(2, "topic", "c");

        assertThat(played.takeValues(0)).containsExactly("0 a", "1 ", "2 c");
    }

    @Test
    void whoRunsAnotherProgramIsLostAndNobodyElse() {
        played.offer(0, "start", "a");
        played.offer(1, "start", "b");
        played.offer(2, "start", "c");
        played.disconnect(1);
        comeBack(9, 1);
        take(played, 0, 2, 9);

        played.offer(9, "something else", "d");

        assertThat(played.takeWords(9))
                .singleElement()
                .isInstanceOfSatisfying(
                        LostExpendable.class,
                        lost -> assertThat(lost.reason()).contains("'something else'", "'start'", "same program"));
        assertThat(played.coordinator.isOver()).isFalse();
    }

    @Test
    void theSeatOfALivingRankIsNotGivenAway() {
        played.join(9, successor(1, "host1"));

        assertRefused(9, "rank 1 (host host1, pid 999) has joined already: host host1, pid 101 was first");
    }

    @Test
    void aSeatIsGivenToOneAtATime() {
        played.disconnect(1);
        played.join(9, successor(1, "host1"));

        played.join(10, successor(1, "host1"));

        assertRefused(10, "has joined already");
    }

    @Test
    void theSeatOfOneThatHasLeftIsNotGivenAway() {
        played.leave(1);

        played.join(9, successor(1, "host1"));

        assertRefused(9, "is too late", "has left the run in good order", "Start a new run");
    }

    @Test
    void inARunThatEndsNoSeatIsGivenAway() {
        played.disconnect(1);
        played.leave(2);

        played.join(9, successor(1, "host1"));

        assertRefused(9, "is too late: rank 2 (host host2, pid 102) has left, and the run ends");
    }

    @Test
    void whoDoesNotTakePartYetWhenTheRunIsOverHearsThatItIsTooLate() {
        played.disconnect(1);
        played.join(9, successor(1, "host1"));
        played.connect(10);
        played.leave(0);
        played.leave(2);
        take(played, 0, 2, 9, 10);

        played.coordinator.refuseLatecomers(List.of(0, 2, 9, 10));

        Refused refusal = new Refused("this process is too late: the run is over. Start a new run");
        assertThat(played.take(9)).containsExactly(refusal);
        assertThat(played.take(10)).containsExactly(refusal);
        assertThat(played.take(0)).isEmpty();
        assertThat(played.take(2)).isEmpty();
    }

    @Test
    void whoTakesPartAgainIsNoLatecomer() {
        played.disconnect(1);
        comeBack(9, 1);
        take(played, 9);

        played.coordinator.refuseLatecomers(List.of(0, 2, 9));

        assertThat(played.take(9)).isEmpty();
    }

    @Test
    void whoComesWhenTheRunHasFailedHearsWhy() {
        Played inStep = Played.complete(3);
        inStep.connect(9);
        inStep.disconnect(1);
        take(inStep, 0, 9);

        inStep.coordinator.refuseLatecomers(List.of(0, 2, 9));

        assertThat(((Refused) inStep.take(9).get(0)).reason())
                .contains("is too late: the run has lost rank 1", "Start a new run");
        assertThat(inStep.take(0)).isEmpty();
    }

    @Test
    void beforeARunHasBegunNobodyIsTooLate() {
        Played beginning = new Played(3);
        beginning.join(0, 3);
        beginning.connect(9);
        take(beginning, 0, 9);

        beginning.coordinator.refuseLatecomers(List.of(0, 9));

        assertThat(beginning.take(9)).isEmpty();
    }

    @Test
    void aRunInStepTakesNobodyBack() {
        Played inStep = Played.complete(3);
        inStep.disconnect(1);

        inStep.join(9, successor(1, "host1"));

        assertThat(inStep.closed).contains(9);
        assertThat(((Refused) inStep.take(9).get(1)).reason())
                .contains("is too late: the run has lost rank 1", "Start a new run");
    }

    @Test
    void anotherHostIsRefusedWithBothNamed() {
        played.disconnect(1);

        played.join(9, successor(1, "elsewhere"));

        assertRefused(9, "rank 1 (host elsewhere, pid 999)", "was lost on host host1: start it there");
    }

    @Test
    void aRankWithoutNumberIsRefused() {
        played.disconnect(1);

        played.join(9, successor(Message.ANY_RANK, "host1"));

        assertRefused(9, "is too late", "given to that rank only");
    }

    @Test
    void whoCannotBeToldWhatWasExchangedIsRefused() {
        Played forgetful = run(Played.complete(3, 100));
        for (int rank = 0; rank < 3; rank++) {
            forgetful.offer(rank, "topic", "x".repeat(40));
        }
        forgetful.disconnect(1);
        take(forgetful, 0, 1, 2);

        forgetful.join(9, successor(1, "host1"));

        assertThat(((Refused) forgetful.take(9).get(1)).reason())
                .contains("cannot be told what the others have agreed on", "100 bytes");
    }

    @Test
    void whoIsLostTooOftenIsRefused() {
        int connection = 1;
        for (int time = 0; time < Admission.MOST_INCARNATIONS; time++) {
            played.disconnect(connection);
            connection = 100 + time;
            comeBack(connection, 1);
        }
        played.disconnect(connection);

        played.join(9, successor(1, "host1"));

        assertRefused(9, "was lost 101 times");
    }

    @Test
    void twiceReadyIsTheEndOfOneThatHasComeBackAlone() {
        played.disconnect(1);
        comeBack(9, 1);
        take(played, 0, 2, 9);

        played.receive(9, new Ready(Map.of()));

        assertThat(played.takeWords(0)).singleElement().isInstanceOf(LostExpendable.class);
        assertThat(played.coordinator.isOver()).isFalse();
    }

    private void assertRefused(int connection, String... words) {
        assertThat(played.closed).contains(connection);
        assertThat(((Refused) played.take(connection).get(1)).reason()).contains(words);
        assertThat(played.coordinator.isOver()).isFalse();
    }
}
