package io.gyre.benchmarks.jmh;

import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Cost of a frame at both ends together: header, checksum and log. One thread is both ranks, so no hand-over between
 * threads is included.
 */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup before all others.
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameBenchmark {

    /** Payload, in bytes. */
    @Param({"64", "4096", "32768"})
    public int bytes;

    private final Frame frame = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = (received, payload, offset) -> true;
    private ByteBuffer payload;
    private SessionPair pair;
    private Endpoint from;
    private Endpoint to;
    private FrameSender sender;
    private FrameReceiver receiver;

    @Setup
    public void join() throws IOException, InterruptedException, ExecutionException {
        pair = SessionPair.over(TransportMode.IPC);
        payload = ByteBuffer.allocateDirect(bytes);
        from = pair.first().endpoint();
        to = pair.second().endpoint();
        sender = from.sender(1);
        receiver = to.receiver(0);
        activity.begin("benchmark of frames", 0, 0, 0);
    }

    @TearDown
    public void leave() throws IOException {
        pair.close();
    }

    @Benchmark
    public void offerAndPoll() {
        frame.set(Frame.Kind.DATA, 0, 0, 0, bytes, bytes);
        while (!sender.offer(frame, payload, 0)) {
            from.await(0, activity);
        }
        while (receiver.poll(handler, 1) == 0) {
            to.await(0, activity);
        }
        from.await(1, activity);
        to.await(1, activity);
    }
}
