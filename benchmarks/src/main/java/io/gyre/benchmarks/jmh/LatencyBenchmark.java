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

/** Round trip of a 64-byte frame to another rank on its own thread. */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup before all others.
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class LatencyBenchmark {

    private static final int BYTES = 64;

    /** Step of the frame that ends the other rank. */
    private static final long LAST = -1;

    /** As spelled by {@link TransportMode}. */
    @Param({"ipc", "udp"})
    public String transport;

    private SessionPair pair;
    private Side side;
    private Thread echo;

    @Setup
    public void join() throws IOException, InterruptedException, ExecutionException {
        pair = SessionPair.over(TransportMode.of(transport));
        side = new Side(pair.first().endpoint(), 1);
        echo = new Thread(() -> new Side(pair.second().endpoint(), 0).answer(), "echo");
        echo.start();
    }

    @TearDown
    public void leave() throws IOException, InterruptedException {
        side.send(LAST);
        echo.join();
        pair.close();
    }

    @Benchmark
    public long roundTrip() {
        side.send(0);
        return side.receive();
    }

    /** One rank's end. */
    private static final class Side {
        private final Endpoint endpoint;
        private final FrameSender sender;
        private final FrameReceiver receiver;
        private final Frame frame = new Frame();
        private final Activity activity = new Activity();
        private final ByteBuffer payload = ByteBuffer.allocateDirect(BYTES);
        private final FrameReceiver.Handler handler = (received, data, offset) -> {
            receivedStep = received.step();
            return false;
        };
        private long receivedStep;

        Side(Endpoint endpoint, int peer) {
            this.endpoint = endpoint;
            sender = endpoint.sender(peer);
            receiver = endpoint.receiver(peer);
            activity.begin("benchmark of latency", 0, 0, 0);
        }

        void send(long step) {
            frame.set(Frame.Kind.DATA, step, 0, 0, BYTES, BYTES);
            while (!sender.offer(frame, payload, 0)) {
                endpoint.await(0, activity);
            }
            endpoint.flush(activity);
        }

        long receive() {
            int received = 0;
            while (received == 0) {
                received = receiver.poll(handler, 1);
                endpoint.await(received, activity);
            }
            return receivedStep;
        }

        void answer() {
            long step = receive();
            while (step != LAST) {
                send(step);
                step = receive();
            }
        }
    }
}
