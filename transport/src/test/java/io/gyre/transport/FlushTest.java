package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import io.gyre.testkit.Eventually;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The end of an operation: what was sent leaves, whatever has become of ranks that are no longer awaited. */
@Timeout(120)
class FlushTest {

    /** Failed offers after which a window counts as full. */
    private static final int FULL = 2_000;

    /** Sleeps of a wait that looks at its peers every 16 turns: enough for several looks. */
    private static final int SLEEPS = 10 * 16;

    private static final int BYTES = 1024;

    @TempDir
    Path directory;

    private final CountDownLatch full = new CountDownLatch(1);

    /** The thread that flushes, once {@link #full}. */
    private volatile long flushing;

    private final ByteBuffer payload = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.nativeOrder());

    @Test
    void aRankMayLeaveWhileAnotherStillHandsOverToAThird() throws Exception {
        AeronCluster.of(3, TransportMode.UDP, directory).run(session -> {
            switch (session.world().rank()) {
                case 0 -> sendOneAndLeave(session);
                case 1 -> fillTheWayTo(2, session);
                default -> readLate(session);
            }
        });
    }

    private void sendOneAndLeave(Session session) {
        Activity activity = activity("sending one", session, 1);
        while (!session.endpoint().sender(1).offer(frame(0), payload, 0)) {
            session.endpoint().await(0, activity);
        }
        session.endpoint().flush(activity);
    }

    private void fillTheWayTo(int peer, Session session) {
        Endpoint endpoint = session.endpoint();
        Activity activity = activity("one message", session, 0);
        FrameReceiver receiver = endpoint.receiver(0);
        while (receiver.poll((frame, bytes, offset) -> false, 1) == 0) {
            endpoint.await(0, activity);
        }
        FrameSender sender = endpoint.sender(peer);
        int number = 0;
        offerPatiently(number, peer, endpoint, activity);
        // Work in every turn: this is no wait.
        for (int inVain = 0; inVain < FULL; inVain++) {
            if (sender.offer(frame(number), payload, 0)) {
                number++;
                inVain = 0;
            }
            endpoint.await(1, activity);
        }
        assertThat(number).isPositive();

        // As in a collective: the last frame awaited came from the rank that has left.
        activity.waitingFor(endpoint.member(0), 1);
        flushing = Thread.currentThread().getId();
        full.countDown();
        endpoint.flush(activity);

        offerPatiently(-1, peer, endpoint, activity);
        endpoint.flush(activity);
    }

    private void offerPatiently(int number, int peer, Endpoint endpoint, Activity activity) {
        activity.waitingFor(endpoint.member(peer), 1);
        FrameSender sender = endpoint.sender(peer);
        while (!sender.offer(frame(number), payload, 0)) {
            endpoint.await(0, activity);
        }
    }

    /** Reads after one rank has left, and the other has looked at its peers several times in its flush. */
    private void readLate(Session session) throws InterruptedException {
        assertThat(full.await(1, TimeUnit.MINUTES))
                .as("the way to here is full")
                .isTrue();
        Eventually.that("rank 0 has left", () -> session.hasEnded(0));
        long before = sleeps();
        Eventually.that("rank 1 has waited in its flush", () -> sleeps() - before >= SLEEPS);
        Endpoint endpoint = session.endpoint();
        Activity activity = activity("many messages", session, 1);
        int[] last = {0};
        while (last[0] >= 0) {
            int work = endpoint.receiver(1)
                    .poll(
                            (frame, bytes, offset) -> {
                                last[0] = frame.bucket();
                                return frame.bucket() >= 0;
                            },
                            16);
            endpoint.await(work, activity);
        }
    }

    /** How often the thread that flushes has slept so far. */
    private long sleeps() {
        return ManagementFactory.getThreadMXBean().getThreadInfo(flushing).getWaitedCount();
    }

    private static Activity activity(String operation, Session session, int peer) {
        Activity activity = new Activity();
        activity.begin(operation, 0, -1, 1);
        activity.waitingFor(session.endpoint().member(peer), 1);
        return activity;
    }

    private static Frame frame(int number) {
        return new Frame().set(Frame.Kind.DATA, 0, number, 0, 0, BYTES);
    }
}
