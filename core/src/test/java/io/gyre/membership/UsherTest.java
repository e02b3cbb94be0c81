package io.gyre.membership;

import static io.gyre.membership.PlayedUsher.convened;
import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.membership.Message.Adjourn;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.session.Reached;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UsherTest {

    private static final Duration VERDICT = Duration.ofSeconds(3);
    private static final Duration TICK = Coordinator.TICK;
    private static final int NONE = Message.NO_RANK;

    @Test
    void theFirstGenerationBeginsWhenAllProcessesAreThere() {
        PlayedUsher played = new PlayedUsher(4, 2, 1);
        played.enter(0);
        played.join(1);
        assertThat(played.opened).isEmpty();
        played.report(1, 0, Reached.NOTHING);

        assertThat(played.opened).containsExactly("1 of 4");
        assertThat(played.seats(0)).isEqualTo(convened(1, 0, NONE, 0, 0, 1, 1));
        assertThat(played.seats(1)).isEqualTo(convened(1, 1, NONE, 0, 0, 1, 1));
        assertThat(played.heard).last().isEqualTo("generation 1 of [0, 1] at -1, behind 0");
    }

    @Test
    void itBeginsWithFewerWhenTheJoinTimeoutIsOver() {
        PlayedUsher played = new PlayedUsher(4, 3, 2);
        played.enter(0);
        played.enter(1);
        played.pass(PlayedUsher.JOIN_TIMEOUT.minus(TICK));
        assertThat(played.opened).isEmpty();
        played.pass(TICK);
        assertThat(played.seats(1)).isEqualTo(convened(1, 1, NONE, 0, 0, 1, 1));
        assertThat(played.usher.isOver()).isFalse();
    }

    @Test
    void withTooFewTheRunDoesNotStart() {
        PlayedUsher played = new PlayedUsher(4, 3, 2);
        played.enter(0);
        played.pass(PlayedUsher.JOIN_TIMEOUT);
        String reason = "the run did not start within 60000 ms: at least 2 are needed, and 1 are there"
                + " [process 0 (host host0, pid 100)]. Look at the output of those that are missing";
        assertThat(played.word(0)).isEqualTo(new Refused(reason));
        assertThat(played.heard).last().isEqualTo("failed: " + reason);
        assertThat(played.usher.isOver()).isTrue();
    }

    @Test
    void aProcessOfAnotherVersionOrNumberOfSeatsOrWithOtherOptionsIsRefused() {
        PlayedUsher played = new PlayedUsher(4, 3, 2);
        played.enter(0);
        Join good = played.join(1, Map.of("transport", "auto"));
        played.join(1, new Join(99, 4, good.member(), good.options()));
        played.join(2, new Join(Message.PROTOCOL_VERSION, 5, good.member(), good.options()));
        played.join(3, played.join(3, Map.of("transport", "udp")));

        assertRefused(played, 1, "uses version 99 of the control protocol");
        assertRefused(played, 2, "expects 5 seats, and this run has 4");
        assertRefused(played, 3, "has transport = udp, process 0 (host host0, pid 100) has auto. All processes need");
        assertThat(played.heard)
                .filteredOn(event -> event.startsWith("refused"))
                .hasSize(3);
        played.pass(PlayedUsher.JOIN_TIMEOUT);
        assertThat(played.heard).last().asString().contains("Refused: [", "expects 5 seats");
    }

    private static void assertRefused(PlayedUsher played, int connection, String reason) {
        assertThat(played.word(connection))
                .isInstanceOf(Refused.class)
                .asString()
                .contains(reason);
        assertThat(played.closed).contains(connection);
        assertThat(played.usher.hasJoined(connection)).isFalse();
    }

    @Test
    void theOptionsOfARunHoldAlsoWhenNobodyIsLeft() {
        PlayedUsher played = PlayedUsher.running(2, 1, 1);
        played.disconnect(0);
        played.join(1, played.join(1, Map.of("transport", "udp")));
        assertThat(played.take(1)).last().asString().contains("has transport = udp");
        played.enter(2);
        assertThat(played.seats(2)).isEqualTo(convened(2, 1, NONE, 1, 1));
    }

    @Test
    void theSeatsOfALostProcessGoToOthersWhenAllHaveReported() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(0);

        assertThat(played.givenUp).containsExactly("rank 0, pid 100: its connection was closed");
        assertThat(played.heard).containsExactly("lost 100 with [0] in 1: its connection was closed");
        played.report(2, 1, 5);
        assertThat(played.take(2)).isEmpty();
        played.report(1, 1, 4);
        assertThat(played.seats(1)).isEqualTo(convened(2, 1, 2, 1, 1, 2));
        assertThat(played.seats(2)).isEqualTo(convened(2, 2, 2, 1, 1, 2));
        assertThat(played.opened).containsExactly("1 of 3", "2 of 3");
        assertThat(played.heard).last().isEqualTo("generation 2 of [1, 2] at 5, behind 1");
    }

    @Test
    void theNewestStateIsThatOfTheFurthestCallAndThenStep() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(1);
        played.report(0, 1, new Reached(0, 9));
        played.report(2, 1, new Reached(1, 9));
        assertThat(played.seats(0).source()).isEqualTo(2);
    }

    @Test
    void twoThatAreEquallyFarGiveTheStateFromTheLowestSeat() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(0);
        played.report(2, 1, 4);
        played.report(1, 1, 4);
        assertThat(played.seats(1).source()).isZero();
    }

    @Test
    void aLossWhileOthersReportIsWaitedForNoLonger() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(0);
        played.report(2, 1, 5);
        played.disconnect(1);
        assertThat(played.givenUp).hasSize(2);
        assertThat(played.seats(2)).isEqualTo(convened(2, 2, 0, 2, 2, 2));
    }

    @Test
    void whoHasReportedAndIsLostTakesNoSeats() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(0);
        played.report(2, 1, 5);
        played.disconnect(2);
        played.report(1, 1, 4);
        assertThat(played.seats(1)).isEqualTo(convened(2, 1, 0, 1, 1, 1));
        assertThat(played.heard).last().isEqualTo("generation 2 of [1] at 4, behind 0");
    }

    @Test
    void aLossBeforeTheRanksHaveMetEndsThatGeneration() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.receive(1, new Failed("it has no memory left"));
        assertThat(played.givenUp).containsExactly("rank 1, pid 101: it has no memory left");
        assertThat(played.word(1)).isInstanceOf(Lost.class);
        played.report(0, 1, Reached.NOTHING);
        assertThat(played.seats(0)).isEqualTo(convened(2, 0, NONE, 0, 0));
    }

    @Test
    void aNewcomerIsLetInBetweenTwoStepsIfThereAreFewerThanPlanned() {
        PlayedUsher played = PlayedUsher.running(4, 2, 1);
        played.disconnect(1);
        played.report(0, 1, 3);
        played.forget();
        played.join(2);
        assertThat(played.take(0)).as("it does not ask for seats yet").isEmpty();
        played.report(2, 0, Reached.NOTHING);
        assertThat(played.word(0)).isEqualTo(new Adjourn(2));
        assertThat(played.take(2)).isEmpty();
        assertThat(played.opened).hasSize(2);
        played.enter(3);
        assertThat(played.take(0)).as("asked once").isEmpty();

        played.report(0, 2, 7);
        assertThat(played.seats(0)).isEqualTo(convened(3, 0, 0, 0, 0, 2, 2));
        assertThat(played.seats(2)).isEqualTo(convened(3, 2, 0, 0, 0, 2, 2));
        assertThat(played.take(3)).as("a spare").isEmpty();
        assertThat(played.givenUp).isEmpty();
    }

    @Test
    void aSpareWaitsAndTakesTheSeatsOfALostProcess() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.enter(2);
        assertThat(played.take(0)).as("nobody is asked to end").isEmpty();
        played.disconnect(0);
        played.report(1, 1, 5);
        assertThat(played.seats(2)).isEqualTo(convened(2, 2, 1, 2, 1));
    }

    @Test
    void theLossOfASpareChangesNothing() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.enter(2);
        played.disconnect(2);
        assertThat(played.givenUp).isEmpty();
        assertThat(played.heard).last().isEqualTo("lost 102 with [] in 1: its connection was closed");
        assertThat(played.take(0)).isEmpty();
        assertThat(played.opened).hasSize(1);
    }

    @Test
    void ifAllThatHoldTheStateWereGivenUpOneThatComesAgainIsLetIn() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.enter(2);
        played.enter(3);
        played.disconnect(0);
        played.disconnect(1);
        assertThat(played.seats(2)).isEqualTo(convened(2, 2, NONE, 2, 3));
        assertThat(played.take(3)).hasSize(1);
        played.join(4);
        played.report(4, 0, 500);
        assertThat(played.word(3)).isEqualTo(new Adjourn(2));
        played.report(2, 2, 7);
        played.report(3, 2, 7);
        assertThat(played.seats(4)).isEqualTo(convened(3, 4, 1, 2, 4));
        assertThat(played.heard).last().isEqualTo("generation 3 of [2, 4] at 500, behind 493");
    }

    @Test
    void whoIsFurthestIsPreferredToASpare() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.enter(2);
        played.join(3);
        played.report(3, 0, 6);
        assertThat(played.take(0)).contains(new Adjourn(1));
        played.report(0, 1, 5);
        played.disconnect(1);
        assertThat(played.seats(3)).isEqualTo(convened(2, 3, 1, 0, 3));
    }

    @Test
    void aSilentProcessIsLostWithinTheLimitAndOneThatPausesIsNot() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        Duration pause = VERDICT.minus(Coordinator.HEARTBEAT).minus(TICK.multipliedBy(3));
        played.pass(pause, connection -> connection == 0);
        played.pass(TICK);
        assertThat(played.heard).containsExactly("suspected process 1 (host host1, pid 101)");
        played.pass(VERDICT, connection -> connection == 0);
        assertThat(played.heard)
                .last()
                .isEqualTo("lost 101 with [1] in 1: it has not answered for 2750 ms, though its connection is open");
        assertThat(played.givenUp).hasSize(1);
        assertThat(played.word(1)).isInstanceOf(Lost.class);
        assertThat(played.closed).containsExactly(1);
    }

    /** As over a link that is cut towards it: nothing is confirmed, and so the same bytes come again and again. */
    @Test
    void aProcessIsLostWhoseOldMessagesArriveStillButWhichAnswersNothingNew() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        // From now on its time is not that of other clocks.
        played.stall(Duration.ofSeconds(60));
        played.pass(Duration.ofSeconds(10));
        Heartbeat last = played.heartbeat(1);
        Heartbeat before = new Heartbeat(last.sent() - Coordinator.HEARTBEAT.toNanos());
        played.receive(1, last);

        for (long rest = VERDICT.toNanos(); rest > 0; rest -= TICK.toNanos()) {
            assertThat(played.usher.hasJoined(1)).isTrue();
            played.receive(1, before);
            played.receive(1, last);
            played.pass(TICK, connection -> connection == 0);
        }
        assertThat(played.heard)
                .containsExactly(
                        "suspected process 1 (host host1, pid 101)",
                        "lost 101 with [1] in 1: it has not answered for 2750 ms, though its connection is open");
    }

    @Test
    void anAnswerToAHeartbeatOfTheFutureCountsAsOneToTheLast() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.pass(Duration.ofSeconds(10));
        played.receive(1, new Heartbeat(Long.MAX_VALUE));
        played.pass(VERDICT.minus(TICK), connection -> connection == 0);
        assertThat(played.usher.hasJoined(1)).isTrue();
        played.pass(TICK, connection -> connection == 0);
        assertThat(played.usher.hasJoined(1)).isFalse();
    }

    @Test
    void anAnswerToAnOldHeartbeatTakesNothingBack() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        for (int tick = 0; tick < 100; tick++) {
            played.answer(1);
            played.receive(1, new Heartbeat(Long.MIN_VALUE));
            played.receive(1, new Heartbeat(0));
            played.pass(TICK, connection -> connection == 0);
        }
        assertThat(played.heard).isEmpty();
    }

    @Test
    void anUsherThatWasStoppedItselfBlamesNobody() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.stall(Duration.ofSeconds(60));
        played.pass(TICK);
        assertThat(played.heard).isEmpty();
    }

    /** Whether it finds the answers to its last heartbeat, or the time, first. */
    @Test
    void anUsherThatWasStoppedAfterAHeartbeatBlamesNobody() {
        for (boolean readsFirst : new boolean[] {true, false}) {
            PlayedUsher played = PlayedUsher.running(2, 2, 1);
            played.pass(Duration.ofSeconds(10));
            for (int stop = 0; stop < 100; stop++) {
                if (readsFirst) {
                    played.answer(0);
                    played.answer(1);
                }
                Heartbeat before = played.heartbeat(0);
                played.stall(Duration.ofSeconds(10));
                if (!readsFirst) {
                    // They were under way when it was stopped.
                    played.receive(0, before);
                    played.receive(1, before);
                }
                played.pass(TICK);
            }
            assertThat(played.heard).as("reads first: %s", readsFirst).isEmpty();
        }
    }

    /** Nor does its pause hide a silence: that is noticed when it has looked on for long enough itself. */
    @Test
    void whoFallsSilentWhileTheUsherIsStoppedIsLostAfterwards() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.pass(Duration.ofSeconds(10));
        played.answer(1);
        played.stall(Duration.ofSeconds(10));
        played.pass(VERDICT.minus(TICK.multipliedBy(2)), connection -> connection == 0);
        assertThat(played.heard)
                .last()
                .isEqualTo("lost 101 with [1] in 1: it has not answered for 2750 ms, though its connection is open");
    }

    @Test
    void whoIsAliveButDoesNotReportIsGivenUp() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(0);
        played.report(2, 1, 5);
        played.pass(PlayedUsher.REPORT_TIMEOUT.minus(TICK));
        assertThat(played.take(2)).isEmpty();
        played.pass(TICK);
        assertThat(played.seats(2)).isEqualTo(convened(2, 2, 0, 2, 2, 2));
        assertThat(played.word(1))
                .asString()
                .contains("it is alive, but has not reported within 40 s after the end of generation 1");
    }

    @Test
    void withTooFewProcessesItWaitsForAnother() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.disconnect(0);
        played.report(1, 1, 5);
        assertThat(played.take(1)).isEmpty();
        played.pass(PlayedUsher.REPLACEMENT_TIMEOUT.minus(TICK));
        played.enter(2);
        assertThat(played.seats(1)).isEqualTo(convened(2, 1, 1, 2, 1));
    }

    @Test
    void ifNobodyComesTheRunEnds() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.disconnect(0);
        played.report(1, 1, 5);
        played.pass(PlayedUsher.REPLACEMENT_TIMEOUT);
        String reason = "the run has too few processes, and within 30000 ms no other came: at least 2 are needed, and 1"
                + " are there [process 1 (host host1, pid 101)]. Look at the output of those that are missing";
        assertThat(played.word(1)).isEqualTo(new Refused(reason));
        assertThat(played.heard).last().isEqualTo("failed: " + reason);
        assertThat(played.usher.isOver()).isTrue();
    }

    @Test
    void generationsWithoutAStepEndTheRunWithOneMessage() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        for (int spare = 2; spare < 20; spare++) {
            played.enter(spare);
        }
        played.disconnect(1);
        played.report(0, 1, 5);
        for (int i = 0; i < UsherPlan.MOST_FRUITLESS + 1; i++) {
            assertThat(played.usher.isOver()).as("after %d", i).isFalse();
            played.disconnect(2 + i);
            played.report(0, 2 + i, 5);
        }
        assertFruitless(played);
    }

    @Test
    void aGenerationThatWasAskedToEndAndLosesAProcessHasDoneNoStep() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.disconnect(2);
        played.report(0, 1, 5);
        played.report(1, 1, 5);
        for (int i = 0; i < UsherPlan.MOST_FRUITLESS + 1; i++) {
            assertThat(played.usher.isOver()).as("after %d", i).isFalse();
            played.enter(2 + i);
            played.disconnect(1 + i);
            played.report(0, 2 + i, 5);
        }
        assertFruitless(played);
    }

    private static void assertFruitless(PlayedUsher played) {
        assertThat(played.usher.isOver()).isTrue();
        assertThat(played.heard).filteredOn(event -> event.startsWith("failed")).hasSize(1);
        assertThat(played.take(0))
                .last()
                .asString()
                .contains("11 generations in succession have ended before a step was done, after step 5.");
    }

    @Test
    void ifNoRendezvousCanBeOpenedTheRunEnds() {
        PlayedUsher played = PlayedUsher.running(4, 2, 1);
        played.venueFault = "too many open files";
        played.disconnect(1);
        played.report(0, 1, 7);

        String reason = "generation 2 has no rendezvous, since host " + Played.HOST.host()
                + " cannot open one: java.io.IOException: too many open files";
        assertThat(played.word(0)).isEqualTo(new Refused(reason));
        assertThat(played.heard).last().isEqualTo("failed: " + reason);
        assertThat(played.usher.isOver()).isTrue();
    }

    @Test
    void aStepInBetweenIsProgress() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        for (int i = 0; i < 5 * UsherPlan.MOST_FRUITLESS; i++) {
            played.receive(1 + i % 2, new Failed("on purpose"));
            played.report(0, 2 * i + 1, i / 5);
            played.enter(1 + (i + 1) % 2);
            played.report(0, 2 * i + 2, i / 5);
        }
        assertThat(played.usher.isOver()).isFalse();
        assertThat(played.opened).hasSize(1 + 10 * UsherPlan.MOST_FRUITLESS);
    }

    @Test
    void aRunEndsWhenAllHaveLeft() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.leave(0);
        assertThat(played.usher.isOver()).isFalse();
        assertThat(played.givenUp).as("to leave is no loss").isEmpty();
        played.enter(2);
        assertRefused(played, 2, "is too late: the run has done its work. Start a new run");
        played.leave(1);
        assertThat(played.usher.isOver()).isTrue();
        assertThat(played.heard).contains("left 100", "left 101").noneMatch(event -> event.startsWith("lost"));
    }

    @Test
    void sparesAreDismissedWhenTheWorkIsDone() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.enter(2);
        played.join(3);
        played.leave(1);
        assertThat(played.take(2)).isEmpty();
        played.leave(0);
        assertThat(played.word(2)).isEqualTo(new Refused(Usher.NOT_NEEDED));
        assertThat(played.word(3)).isEqualTo(new Refused(Usher.NOT_NEEDED));
        assertThat(played.closed).contains(2, 3);
        assertThat(played.usher.isOver()).isTrue();
    }

    @Test
    void theLastThatHoldStateFinishTheWorkEvenIfTheyAreFewAndOthersHaveLeft() {
        PlayedUsher played = PlayedUsher.running(3, 3, 3);
        played.leave(0);
        played.disconnect(1);
        played.report(2, 1, 5);
        assertThat(played.seats(2)).isEqualTo(convened(2, 2, 0, 2, 2, 2));
        played.leave(2);
        assertThat(played.usher.isOver()).isTrue();
    }

    @Test
    void sparesDoNotBeginAgainWhatOthersHaveDone() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.enter(2);
        played.leave(0);
        played.disconnect(1);
        assertThat(played.word(2)).isEqualTo(new Refused(Usher.NOT_NEEDED));
        assertThat(played.opened).hasSize(1);

        PlayedUsher reporting = PlayedUsher.running(2, 2, 1);
        reporting.enter(2);
        reporting.disconnect(1);
        reporting.leave(0);
        assertThat(reporting.word(2)).isEqualTo(new Refused(Usher.NOT_NEEDED));
        assertThat(reporting.opened).hasSize(1);
    }

    @Test
    void whoHasSeatsButNoStateDoesNotBeginAgainWhatOthersHaveDone() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.enter(2);
        played.disconnect(1);
        played.report(0, 1, 9);
        assertThat(played.seats(2).generation()).isEqualTo(2);
        played.leave(0);
        played.report(2, 2, Reached.NOTHING);
        assertThat(played.word(2)).isEqualTo(new Refused(Usher.NOT_NEEDED));
        assertThat(played.usher.isOver()).isTrue();
    }

    @Test
    void aSpareWithAnOldStateIsDismissedToo() {
        PlayedUsher played = PlayedUsher.running(1, 1, 1);
        played.join(1);
        played.report(1, 0, 3);
        played.report(0, 1, 5);
        assertThat(played.take(0)).contains(convened(2, 0, 0, 0));
        played.leave(0);
        assertThat(played.word(1)).isEqualTo(new Refused(Usher.NOT_NEEDED));
    }

    @Test
    void nobodyIsInterruptedForASpareWhenOthersHaveDoneTheirWork() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.join(2);
        played.leave(0);
        played.report(2, 0, Reached.NOTHING);
        assertThat(played.take(1)).isEmpty();
    }

    @Test
    void whoWasGivenUpIsToldAndComesAgainAsANewProcess() {
        PlayedUsher played = PlayedUsher.running(2, 2, 1);
        played.pass(VERDICT.plus(TICK), connection -> connection == 0);
        assertThat(played.word(1)).asString().contains("it has not answered for 2750 ms");
        played.report(0, 1, 4);
        assertThat(played.seats(0)).isEqualTo(convened(2, 0, 0, 0, 0));

        // What it sends before it knows is not listened to.
        played.report(1, 1, 5);
        assertThat(played.take(0)).isEmpty();
        assertThat(played.usher.hasJoined(1)).isFalse();

        played.join(2);
        played.report(2, 0, 5);
        assertThat(played.word(0)).isEqualTo(new Adjourn(2));
        played.report(0, 2, 6);
        assertThat(played.seats(2)).isEqualTo(convened(3, 2, 0, 0, 2));
    }

    @Test
    void aReportOfAnotherGenerationOrAMessageThatIsNotAProcessesLosesIt() {
        PlayedUsher played = PlayedUsher.running(3, 3, 1);
        played.report(0, 7, 3);
        played.receive(1, new Ready(Map.of()));
        assertThat(played.heard)
                .containsExactly(
                        "lost 100 with [0] in 1: it has ended generation 7, and this is 1",
                        "lost 101 with [1] in 1: it sent a Ready message, which is not a process's to send");
        played.receive(9, new Ready(Map.of()));
        assertThat(played.closed).contains(9);
    }

    @Test
    void afterTheEndNothingHappens() {
        PlayedUsher played = PlayedUsher.running(2, 2, 2);
        played.disconnect(0);
        played.report(1, 1, 5);
        played.pass(PlayedUsher.REPLACEMENT_TIMEOUT);
        played.forget();
        played.report(1, 1, 6);
        played.enter(2);
        assertRefused(played, 2, "is too late: the run has too few processes");
        played.usher.connected(3);
        played.usher.refuseLatecomers(List.of(1, 3));
        assertThat(played.word(3)).asString().contains("too few processes");
        played.disconnect(1);
        played.stall(Duration.ofHours(1));
        assertThat(played.opened).hasSize(1);
        assertThat(played.usher.members()).isEmpty();
        assertThat(played.heard).noneMatch(event -> event.startsWith("failed"));
    }

    @Test
    void convenedNamesAllSeatsToEveryProcess() {
        PlayedUsher played = new PlayedUsher(5, 2, 1);
        played.enter(0);
        played.enter(1);
        Convened first = played.seats(0);
        assertThat(first.holders()).isEqualTo(played.seats(1).holders()).hasSize(5);
    }
}
