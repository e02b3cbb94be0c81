package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.local.LocalCluster;
import io.gyre.session.Session;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** The contract of a network's sessions: exchanges, agreement, and their failures. */
abstract class SessionContract {

    private static final int PATIENCE_SECONDS = 30;

    /** Ranks as threads of this JVM over the network under test. */
    protected abstract LocalCluster cluster(int ranks);

    /** A short peer timeout that a live peer of the network under test never exceeds in these tests. */
    protected Duration shortTimeout() {
        return Duration.ofMillis(500);
    }

    @Test
    void anExchangeGivesEveryRankTheValuesOfAllByRank() throws Exception {
        int ranks = 4;
        int rounds = 20;
        byte[] large = new byte[1 << 20];
        new SplittableRandom(9).nextBytes(large);

        cluster(ranks).run(session -> {
            for (int round = 0; round < rounds; round++) {
                List<byte[]> values = session.exchange(
                        "round", bytes(round + " of " + session.world().rank()));
                assertThat(values).hasSize(ranks);
                for (int rank = 0; rank < ranks; rank++) {
                    assertThat(values.get(rank)).asString().isEqualTo(round + " of " + rank);
                }
            }
            assertThat(session.exchange("nothing", new byte[0]))
                    .allSatisfy(value -> assertThat(value).isEmpty());
            byte[] own = session.world().isRoot() ? large : new byte[0];
            assertThat(session.exchange("a large value", own).get(0)).isEqualTo(large);
        });
    }

    @Test
    void anExchangeRefusesValuesThatAreTooLong() throws Exception {
        cluster(2).run(session -> {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> session.exchange("all my memory", new byte[Session.MAX_EXCHANGE_BYTES + 1]))
                    .withMessageContaining("all my memory")
                    .withMessageContaining(Integer.toString(Session.MAX_EXCHANGE_BYTES));
            session.exchange("the end", new byte[0]);
        });
    }

    @Test
    void textsThatAreTooLongAreRefusedAndTheLongestArrive() throws Exception {
        String longest = "ß".repeat(Session.MAX_TEXT_CHARS);
        String tooLong = longest + "!";
        cluster(2).run(session -> {
            session.attest(longest, longest, longest);
            for (ThrowingCallable call : List.<ThrowingCallable>of(
                    () -> session.exchange(tooLong, new byte[0]),
                    () -> session.attest(tooLong, "5 rows", "read again"),
                    () -> session.attest("the data", tooLong, "read again"),
                    () -> session.attest("the data", "5 rows", tooLong))) {
                assertThatIllegalArgumentException()
                        .isThrownBy(call)
                        .withMessageContaining(tooLong.length() + " characters: at most " + Session.MAX_TEXT_CHARS)
                        .withMessageContaining("ßßß");
            }
            session.exchange(longest, new byte[Session.MAX_EXCHANGE_BYTES]);
        });
    }

    @Test
    void aDifferenceOfTheLongestTextsReachesAllRanks() throws Exception {
        String longest = "ß".repeat(Session.MAX_TEXT_CHARS);
        String almost = longest.substring(1);
        cluster(2).run(session -> {
            session.attest(longest, almost + session.world().rank(), longest);
            assertThatThrownBy(() -> session.exchange("the end", new byte[0]))
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContainingAll(almost + "0 on rank 0", almost + "1 on rank 1", longest);
        });
    }

    @Test
    void aReasonOfAFailureThatIsTooLongIsCut() throws Exception {
        String reason = "the disk is full" + "!".repeat(Session.MAX_EXCHANGE_BYTES);
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).run(session -> {
            if (session.world().isRoot()) {
                session.fail(reason);
                await(noticed);
            } else {
                PeerLostException lost = catchThrowableOfType(
                        PeerLostException.class, () -> session.exchange("the end", new byte[0]));
                noticed.countDown();
                assertThat(lost.rank()).isZero();
                assertThat(lost)
                        .hasMessageContaining("the disk is full!!!")
                        .hasMessageContaining("… (" + (reason.length() - Session.MAX_TEXT_CHARS) + " more characters)");
            }
        });
    }

    @Test
    void ranksThatExchangeDifferentThingsAllLearnIt() throws Exception {
        cluster(3).run(session -> {
            String topic = session.world().rank() == 2 ? "pears" : "apples";
            assertThatThrownBy(() -> session.exchange(topic, new byte[1]))
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContainingAll("apples", "pears", "rank 0", "rank 2");
        });
    }

    @Test
    void ranksThatAgreeGoOn() throws Exception {
        cluster(3).run(session -> {
            session.agree("options", Map.of("batch", "64", "rate", "0.1"));
            session.agree("nothing", Map.of());
        });
    }

    @Test
    void ranksThatDisagreeAllLearnWhoSaysWhat() throws Exception {
        cluster(4).run(session -> {
            String rate = session.world().rank() == 3 ? "0.25" : "0.1";
            assertThatThrownBy(() -> session.agree("options", Map.of("batch", "64", "rate", rate)))
                    .isInstanceOf(DisagreementException.class)
                    .hasMessageContainingAll("options", "'rate'", "'0.1'", "'0.25'")
                    .hasMessageContaining(session.members().get(0).toString())
                    .hasMessageContaining(session.members().get(3).toString());
        });
    }

    @Test
    void aRankThatFailsEndsAnExchange() {
        Map<Integer, PeerLostException> seen = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> cluster(3).run(session -> {
                    int own = session.world().rank();
                    if (own == 1) {
                        throw new IllegalStateException("no more of this");
                    }
                    seen.put(
                            own,
                            catchThrowableOfType(
                                    PeerLostException.class, () -> session.exchange("addresses", new byte[1])));
                }))
                .isInstanceOf(GyreException.class);
        assertThat(seen).containsOnlyKeys(0, 2);
        assertThat(seen.values()).allSatisfy(lost -> {
            assertThat(lost.rank()).isEqualTo(1);
            assertThat(lost).hasMessageContaining("addresses");
        });
    }

    @Test
    void aSilentRankEndsAnExchangeAfterThePeerTimeout() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).withPeerTimeout(shortTimeout()).run(session -> {
            if (session.world().isRoot()) {
                PeerTimeoutException timeout = catchThrowableOfType(
                        PeerTimeoutException.class, () -> session.exchange("addresses", new byte[1]));
                noticed.countDown();
                assertThat(timeout.rank()).isEqualTo(1);
                assertThat(timeout).hasMessageContaining("addresses");
            } else {
                await(noticed);
            }
        });
    }

    @Test
    void aSessionMayBeClosedTwice() throws Exception {
        cluster(2).run(session -> {
            session.exchange("the end", new byte[0]);
            session.close();
            session.close();
        });
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("the other rank got there within %d s", PATIENCE_SECONDS)
                .isTrue();
    }
}
