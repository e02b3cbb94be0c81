package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.World;
import io.gyre.session.Session;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LossWatchTest {

    private static final String UNSTOPPABLE = "Rank 0 cannot stop yet";

    private static final List<Member> MEMBERS =
            List.of(new Member(0, "here", 6), new Member(1, "there", 7), new Member(2, "elsewhere", 8));

    /** Whether the run has lost rank 1, and so has ended. */
    private volatile boolean runLost;

    /** Whether rank 2 has ended, which the run survives. */
    private volatile boolean peerEnded;

    @Test
    void aThreadThatComputesIsReportedWithTheRankThatTheRunHasLost() {
        assertThat(reportOf(() -> runLost = true))
                .contains("rank 1 (host there, pid 7)", "it was killed", "the listener of step 3");
    }

    @Test
    void aThreadThatComputesIsReportedWithTheRankThatItsGroupHasLost() {
        assertThat(reportOf(() -> peerEnded = true))
                .contains("rank 2 (host elsewhere, pid 8)", "no rank of its group takes a step without it");
    }

    private String reportOf(Runnable loss) {
        try (LogLines log = new LogLines();
                LossWatch watch = new LossWatch(session(), session())) {
            watch.start(null);
            watch.code().enter("the listener", 3);
            loss.run();
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (log.with(UNSTOPPABLE).isEmpty()) {
                assertThat(deadline - System.nanoTime())
                        .as("time until the report, in nanoseconds")
                        .isPositive();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
                // As code that computes does.
                boolean unused = Thread.interrupted();
            }
            watch.code().leave();
            return log.with(UNSTOPPABLE).get(0);
        }
    }

    private Session session() {
        return (Session) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Session.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "world" -> new World(0, MEMBERS.size());
                    case "members" -> MEMBERS;
                    case "hasEnded" -> peerEnded && arguments[0].equals(2);
                    case "isWhole" -> !runLost;
                    case "check" -> check(arguments[0]);
                    default -> throw new UnsupportedOperationException(method.toString());
                });
    }

    private @Nullable Object check(Object doing) {
        if (runLost) {
            throw new PeerLostException(0, MEMBERS.get(1), "it was killed", doing.toString());
        }
        return null;
    }
}
