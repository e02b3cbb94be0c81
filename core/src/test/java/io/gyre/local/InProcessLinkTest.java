package io.gyre.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.network.Backoff;
import io.gyre.network.Frame;
import io.gyre.network.Frame.Kind;
import io.gyre.network.FrameReceiver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class InProcessLinkTest {

    private static final int FRAMES = 200_000;

    private final InProcessLink link = new InProcessLink();

    /** A slot that is read before it is written, or overwritten before it is read, shows another frame's numbers. */
    @Test
    void twoThreadsSeeEveryFrameWholeAndInOrder() throws Exception {
        FutureTask<Boolean> writing = new FutureTask<>(this::writeAll, true);
        FutureTask<Integer> reading = new FutureTask<>(this::readAll);
        startDaemon(writing);
        startDaemon(reading);

        assertThat(writing.get(50, TimeUnit.SECONDS)).isTrue();
        assertThat(reading.get(50, TimeUnit.SECONDS)).isEqualTo(FRAMES);
        assertThat(link.sender().payloadBytes()).isEqualTo(totalPayload());
    }

    private static void startDaemon(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
    }

    private void writeAll() {
        SplittableRandom lengths = new SplittableRandom(1);
        ByteBuffer payload = ByteBuffer.allocateDirect(1024).order(ByteOrder.nativeOrder());
        Frame frame = new Frame();
        Backoff backoff = new Backoff(2);
        for (int i = 0; i < FRAMES; i++) {
            int length = length(lengths);
            for (int at = 0; at < length; at += Integer.BYTES) {
                payload.putInt(at, i ^ at);
            }
            frame.set(Kind.DATA, i, -i, i + 1, 3L * i, length);
            while (!link.sender().offer(frame, payload, 0)) {
                backoff.pause();
            }
            backoff.reset();
        }
    }

    private int readAll() {
        SplittableRandom lengths = new SplittableRandom(1);
        Backoff backoff = new Backoff(2);
        int[] next = {0};
        FrameReceiver.Handler handler = (frame, payload, offset) -> {
            int i = next[0]++;
            int length = length(lengths);
            boolean whole = frame.step() == i
                    && frame.bucket() == -i
                    && frame.chunk() == i + 1
                    && frame.vectorBytes() == 3L * i
                    && frame.length() == length;
            for (int at = 0; at < length; at += Integer.BYTES) {
                whole &= payload.getInt(offset + at) == (i ^ at);
            }
            assertThat(whole).as("frame %d is whole", i).isTrue();
            return true;
        };
        while (next[0] < FRAMES) {
            if (link.receiver().poll(handler, 3) == 0) {
                backoff.pause();
            } else {
                backoff.reset();
            }
        }
        return next[0];
    }

    private static int length(SplittableRandom lengths) {
        return Integer.BYTES * lengths.nextInt(64);
    }

    private static long totalPayload() {
        SplittableRandom lengths = new SplittableRandom(1);
        long total = 0;
        for (int i = 0; i < FRAMES; i++) {
            total += length(lengths);
        }
        return total;
    }
}
