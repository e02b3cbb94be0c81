package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.gyre.paramserver.ChangeLedger.Verdict;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChangeLedgerTest {

    private final ChangeLedger ledger = new ChangeLedger();

    private static Reply reply(long version) {
        return new Reply.Applied(version);
    }

    @Test
    void aRepeatedChangeIsAnsweredAsItWas() {
        assertThat(ledger.judge(1, new ChangeId(7, 1))).isEqualTo(Verdict.APPLY);
        ledger.applied(1, new ChangeId(7, 1), reply(1));

        assertThat(ledger.judge(1, new ChangeId(7, 1))).isEqualTo(Verdict.REPEATED);
        assertThat(ledger.reply(1)).isEqualTo(reply(1));
        assertThat(ledger.judge(1, new ChangeId(7, 2))).isEqualTo(Verdict.APPLY);
    }

    @Test
    void anOldCopyOfAnAnsweredChangeIsIgnored() {
        ledger.applied(1, new ChangeId(7, 1), reply(1));
        ledger.applied(1, new ChangeId(7, 2), reply(2));

        assertThat(ledger.judge(1, new ChangeId(7, 1))).isEqualTo(Verdict.OUTDATED);
    }

    @Test
    void aGapIsRefused() {
        assertThat(ledger.judge(1, new ChangeId(7, 2))).isEqualTo(Verdict.REFUSED);
        ledger.applied(1, new ChangeId(7, 1), reply(1));
        assertThat(ledger.judge(1, new ChangeId(7, 3))).isEqualTo(Verdict.REFUSED);
    }

    @Test
    void changesAreCountedFromOne() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ChangeId(0, 0))
                .withMessageContaining("change number 0");
    }

    @Test
    void whereNothingWasAppliedThereIsNoReply() {
        ledger.opened(1, 0);

        assertThatIllegalStateException().isThrownBy(() -> ledger.reply(1)).withMessageContaining("rank 1");
    }

    @Test
    void clientsDoNotDisturbEachOther() {
        ledger.applied(1, new ChangeId(7, 1), reply(1));

        assertThat(ledger.judge(2, new ChangeId(7, 1))).isEqualTo(Verdict.APPLY);
    }

    @Test
    void aRestartedClientContinuesItsNumbersAndItsPredecessorIsRefused() {
        ledger.applied(1, new ChangeId(7, 1), reply(1));
        ledger.opened(1, 8);

        assertThat(ledger.lastSequence(1)).isEqualTo(1);
        assertThat(ledger.judge(1, new ChangeId(7, 2)))
                .as("of the predecessor, still on its way")
                .isEqualTo(Verdict.REFUSED);
        assertThat(ledger.judge(1, new ChangeId(8, 2))).isEqualTo(Verdict.APPLY);
    }

    @Test
    void aClientThatRestartedBeforeItsFirstChangeBeginsAnew() {
        ledger.opened(1, 8);

        assertThat(ledger.lastSequence(1)).isZero();
        assertThat(ledger.judge(1, new ChangeId(7, 1))).isEqualTo(Verdict.REFUSED);
        assertThat(ledger.judge(1, new ChangeId(8, 1))).isEqualTo(Verdict.APPLY);
    }

    /** A client counts up by one; copies are lost, repeated and delayed, replies are lost, the client restarts. */
    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void everyAcknowledgedChangeHappensOnceWhateverTheNetworkDoes(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Deque<ChangeId> wire = new ArrayDeque<>();
        long incarnation = 1;
        long acknowledged = 0;
        long sequence = 1;
        long applied = 0;
        for (int turn = 0; turn < 20_000; turn++) {
            int chance = random.nextInt(100);
            if (chance < 45) {
                ChangeId copy = new ChangeId(incarnation, sequence);
                if (random.nextBoolean()) {
                    wire.addLast(copy);
                } else {
                    wire.addFirst(copy);
                }
            } else if (chance < 50 && !wire.isEmpty()) {
                wire.removeFirst();
            } else if (chance < 51) {
                // What the predecessor had in flight may or may not have been applied: the ledger knows.
                incarnation++;
                ledger.opened(1, incarnation);
                acknowledged = ledger.lastSequence(1);
                sequence = acknowledged + 1;
            } else if (!wire.isEmpty()) {
                ChangeId copy = wire.removeFirst();
                Verdict verdict = ledger.judge(1, copy);
                if (verdict == Verdict.APPLY) {
                    applied++;
                    ledger.applied(1, copy, reply(applied));
                }
                boolean answered = verdict == Verdict.APPLY || verdict == Verdict.REPEATED;
                if (answered
                        && copy.sequence() == sequence
                        && copy.incarnation() == incarnation
                        && random.nextInt(3) > 0) {
                    acknowledged = sequence;
                    sequence++;
                }
            }
            assertThat(applied).isBetween(acknowledged, acknowledged + 1);
            assertThat(ledger.lastSequence(1)).isEqualTo(applied);
        }
        assertThat(acknowledged).isGreaterThan(1_000);
    }
}
