package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.samples.train.TwoRanks.Protection;
import io.gyre.transport.AeronSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trainings on loopback while another process of the host connects to their rendezvous. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class StrangersTest {

    @TempDir
    Path directory;

    @Test
    void allAtOnceDoNothingToASealedRun() throws Exception {
        List<Intruder> intruders = new ArrayList<>();
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.SEALED)) {
            run.start();
            run.awaitRendezvous();
            for (Intrusion intrusion : Intrusion.values()) {
                Intruder intruder = new Intruder(run.rendezvous());
                intruders.add(intruder);
                intruder.begin(intrusion);
            }
            run.start();

            run.assertUndisturbed();
            for (Intruder intruder : intruders) {
                intruder.end();
                assertThat(intruder.bytesReceived()).isZero();
            }
        } finally {
            for (Intruder intruder : intruders) {
                intruder.close();
            }
        }
    }

    /** Says which of them it is, if the test of all at once fails. */
    @ParameterizedTest(name = "{0}")
    @EnumSource
    @Tag("long")
    void doNothingToASealedRun(Intrusion intrusion) throws Exception {
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.SEALED);
                Intruder intruder = new Intruder(run.rendezvous())) {
            run.start();
            run.awaitRendezvous();
            intruder.begin(intrusion);
            run.start();

            run.assertUndisturbed();
            intruder.end();
            assertThat(intruder.bytesReceived()).isZero();
            System.out.println("SEALED, " + intrusion + ": " + intruder.attempts() + " attempts");
        }
    }

    /** So that the test of sealed runs can fail. */
    @Test
    void whoJoinsAPlainRunAndFailsEndsIt() throws Exception {
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.PLAIN)) {
            run.start();
            run.awaitRendezvous();
            try (AeronSession session =
                    AeronSession.join(Intruder.asRank1(run.rendezvous()).build())) {
                session.fail("a stranger's reason");
            }

            assertThat(run.rank(0).awaitExit(GyreTrain.PATIENCE))
                    .as(run.output())
                    .isEqualTo(1);
            assertThat(run.rank(0).output()).contains("a stranger's reason");
        }
    }

    /** So that the test of sealed runs can fail. */
    @Test
    void whoTakesASeatOfAPlainRunKeepsTheRankOut() throws Exception {
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.PLAIN)) {
            run.start();
            run.awaitRendezvous();
            try (AeronSession session =
                    AeronSession.join(Intruder.asRank1(run.rendezvous()).build())) {
                assertThat(session.world().rank()).isEqualTo(1);
                GyreTrain refused = run.start();

                assertThat(refused.awaitExit(GyreTrain.PATIENCE))
                        .as(refused.output())
                        .isEqualTo(1);
            }
        }
    }
}
