package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CallerTest {

    private static final Duration TIMEOUT = Duration.ofMinutes(10);
    private static final Request<Reply.Content> READ = new Request.Read(0);

    /** The time; each look at it takes a minute. */
    private final AtomicLong now = new AtomicLong();

    private long aMinuteLater() {
        return now.addAndGet(Duration.ofMinutes(1).toNanos());
    }

    @FunctionalInterface
    private interface Use {
        void of(Caller caller, ServiceThread thread) throws Exception;
    }

    private void use(Session session, AnsweringAgent agent, Use use) throws Exception {
        List<ServerLink> links = List.of(link(session, 0), link(session, 1));
        try (ServiceThread thread = new ServiceThread(session, links, agent)) {
            thread.start();
            List<Integer> group =
                    session.members().stream().map(member -> member.rank()).toList();
            use.of(new Caller(session, links, thread, TIMEOUT, this::aMinuteLater, group), thread);
        }
    }

    private ServerLink link(Session session, int index) {
        return new ServerLink(index, 2, true, session.members().get(0), this::aMinuteLater);
    }

    private void alone(Function<Request<?>, @Nullable Reply> replies, Use use) throws Exception {
        Gyre.local(1).run(session -> use(session, new AnsweringAgent(replies), use));
    }

    @Test
    void theVersionOfSeveralRepliesIsTheLowest() throws Exception {
        alone(request -> new Reply.Reached(((Request.AwaitVersion) request).version() + 10), (caller, thread) -> {
            List<Call<Reply.Reached>> calls = List.of(
                    caller.ask(caller.links().get(0), new Request.AwaitVersion(0, 7), null),
                    caller.ask(caller.links().get(1), new Request.AwaitVersion(0, 3), null));

            assertThat(caller.awaitAll(calls)).isEqualTo(13);
            assertThat(caller.awaitAll(List.of())).isEqualTo(Pending.NO_VERSION);
        });
    }

    @Test
    void theTimeoutIsOfTheGivenClockAndTheErrorNamesServerRequestAndWait() throws Exception {
        alone(request -> null, (caller, thread) -> {
            Call<Reply.Content> call = caller.ask(caller.links().get(1), READ, null);
            long begin = now.get();

            PeerTimeoutException thrown = catchThrowableOfType(PeerTimeoutException.class, () -> caller.await(call));

            assertThat(thrown.rank()).isZero();
            assertThat(thrown).hasMessageContainingAll("rank 0", "600000 ms", "read", "the server of shard 1 of 2");
            assertThat(Duration.ofNanos(now.get() - begin)).isBetween(TIMEOUT, TIMEOUT.plusMinutes(3));
        });
    }

    @Test
    void afterATimeoutTheSameReplyCanBeAwaitedAgain() throws Exception {
        alone(request -> null, (caller, thread) -> {
            Call<Reply.Content> call = caller.ask(caller.links().get(0), READ, null);
            assertThatThrownBy(() -> caller.await(call, Duration.ofMinutes(2)))
                    .isInstanceOf(PeerTimeoutException.class)
                    .hasMessageContaining("120000 ms");

            thread.execute(() -> call.finish(new Reply.Content(5)));

            assertThat(caller.await(call).version()).isEqualTo(5);
        });
    }

    @Test
    void anInterruptEndsTheWaitAndStaysSet() throws Exception {
        alone(request -> null, (caller, thread) -> {
            Call<Reply.Content> call = caller.ask(caller.links().get(0), READ, null);
            Thread.currentThread().interrupt();

            assertThatThrownBy(() -> caller.await(call))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("rank 0 was interrupted in read", "shard 0 of 2");
            assertThat(Thread.interrupted()).isTrue();
        });
    }

    @Test
    void aClosedServiceEndsTheWait() throws Exception {
        alone(request -> null, (caller, thread) -> {
            Call<Reply.Content> call = caller.ask(caller.links().get(0), READ, null);
            thread.close();

            assertThatThrownBy(() -> caller.await(call)).hasMessageContaining("the parameter service is closed");
        });
    }

    @Test
    void aStepIsNotAwaitedWithoutAMemberOfTheGroupButAReadIs() throws Exception {
        Gyre.local(2).run(session -> {
            session.beExpendable();
            session.exchange("both are expendable", new byte[0]);
            if (session.world().rank() == 1) {
                return;
            }
            while (!session.hasEnded(1)) {
                Thread.onSpinWait();
            }
            use(session, new AnsweringAgent(request -> null), (caller, thread) -> {
                Call<?> pull = caller.ask(caller.links().get(0), new Request.MappedPull(0, 4), null);
                assertThatThrownBy(() -> caller.await(pull))
                        .isInstanceOf(PeerLostException.class)
                        .hasMessageContainingAll("rank 1", "its group [0, 1] cannot take a step without it", "step 4");

                Call<?> read = caller.ask(caller.links().get(0), READ, null);
                assertThatThrownBy(() -> caller.await(read)).isInstanceOf(PeerTimeoutException.class);
            });
        });
    }

    @Test
    void aFailedActionFailsTheWaitForItAndNotTheService() throws Exception {
        alone(request -> null, (caller, thread) -> {
            FutureTask<Boolean> task = caller.begin(() -> {
                throw new IllegalStateException("on purpose");
            });

            assertThatThrownBy(() -> caller.await(task, "adding"))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("rank 0: adding failed", "on purpose");
            caller.checkRunning("a test");
        });
    }

    @Test
    void leavingTellsAllServersButWaitsOnlyBriefly() throws Exception {
        AnsweringAgent silent = new AnsweringAgent(request -> null);
        Gyre.local(1)
                .run(session -> use(session, silent, (caller, thread) -> {
                    caller.leave(Duration.ofMinutes(3));

                    FutureTask<Boolean> last = caller.begin(() -> {});
                    caller.await(last, "the calls before");
                    assertThat(silent.requests()).containsExactly(new Request.Leave(), new Request.Leave());
                    assertThat(silent.asked)
                            .extracting(call -> call.server().index())
                            .containsExactly(0, 1);
                }));
    }
}
