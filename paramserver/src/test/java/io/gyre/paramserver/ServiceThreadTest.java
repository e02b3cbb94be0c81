package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ServiceThreadTest {

    /** Does the work it is given, and sleeps for a long time when there is none. */
    private static final class Doing extends TaskAgent {
        private final CountDownLatch closed = new CountDownLatch(1);
        private volatile boolean done;

        @Override
        public void ask(Call<?> call) {
            execute(() -> call.finish(new Reply.Done()));
        }

        @Override
        public boolean isDone() {
            return done;
        }

        @Override
        public void idle(int workDone) {
            if (workDone == 0) {
                LockSupport.parkNanos(3_600_000_000_000L);
            }
        }

        @Override
        public void onClose() {
            closed.countDown();
        }
    }

    private final Doing agent = new Doing();

    private ServiceThread start(Session session) {
        ServerLink link = new ServerLink(1, 2, true, session.members().get(0), System::nanoTime);
        ServiceThread thread = new ServiceThread(session, List.of(link), agent);
        thread.start();
        return thread;
    }

    @Test
    void workWakesItAndItRunsUntilItIsClosed() throws Exception {
        Gyre.local(1).run(session -> {
            ServiceThread thread = start(session);
            CountDownLatch ran = new CountDownLatch(1);
            thread.execute(ran::countDown);
            ran.await();
            assertThat(thread.isRunning()).isTrue();
            thread.checkRunning("a test");

            thread.close();
            thread.close();

            agent.closed.await();
            assertThat(thread.isRunning()).isFalse();
            assertThatThrownBy(() -> thread.checkRunning("a test")).hasMessageContaining("service is closed");
        });
    }

    @Test
    void itEndsWhenItsAgentIsDone() throws Exception {
        Gyre.local(1).run(session -> {
            ServiceThread thread = start(session);
            thread.execute(() -> agent.done = true);

            assertThat(thread.awaitEnd()).as("failed").isFalse();
            agent.closed.await();
        });
    }

    @Test
    void theLossOfAServerSaysWhatItServedAndWhatWasAsked() throws Exception {
        Gyre.local(1).run(session -> {
            ServiceThread thread = start(session);
            thread.execute(() -> {
                throw new PeerLostException(0, session.members().get(0), "it has left", "the service");
            });

            assertThat(thread.awaitEnd()).as("failed").isTrue();
            assertThatThrownBy(() -> thread.checkRunning("pull of step 4"))
                    .isInstanceOf(PeerLostException.class)
                    .hasMessageContainingAll("pull of step 4", "shard 1 of 2", "only servers of their own");
        });
    }

    @Test
    void anyOtherFailureEndsTheSessionAndIsKeptForWhoeverAsks() {
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    ServiceThread thread = start(session);
                    thread.execute(() -> {
                        throw new IllegalStateException("on purpose");
                    });
                    assertThat(thread.awaitEnd()).as("failed").isTrue();
                    thread.checkRunning("a read");
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("a read", "on purpose");
    }
}
