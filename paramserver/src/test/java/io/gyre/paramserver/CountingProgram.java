package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * The program of the processes of {@link CountingPushesTest}: each repeatedly pushes 1 to a cell of its own on every
 * shard, while messages in both directions are lost and repeated, and stops waiting long before a reply is likely.
 */
final class CountingProgram {

    private static final int CELLS = 64;
    private static final byte[] NOTHING = {};

    private CountingProgram() {}

    public static void main(String[] arguments) {
        int rank = Integer.parseInt(arguments[0]);
        int size = Integer.parseInt(arguments[1]);
        int pushes = Integer.parseInt(arguments[3]);
        SplittableRandom random = new SplittableRandom(rank);
        Faults faults = () -> random.nextInt(20) == 0 ? 0 : random.nextInt(20) == 0 ? 2 : 1;
        JoinOptions options = JoinOptions.builder(rank, size, arguments[2])
                .transport(TransportMode.valueOf(arguments[4]))
                .build();
        try (Session session = AeronSession.join(options);
                ParameterService service = ParameterService.builder(session)
                        .training(new Training(new AsynchronousParallel(), new GradientDescent(-1)))
                        .retryAfter(Duration.ofMillis(2))
                        .callTimeout(Duration.ofMinutes(1))
                        .faults(faults)
                        .start()) {
            count(session, service, pushes);
        } catch (GyreException e) {
            System.out.println("failed: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void count(Session session, ParameterService service, int pushes) {
        int rank = session.world().rank();
        int size = session.world().size();
        long elements = (long) CELLS * size;
        ParameterClient client = service.parameters("cells", ElementType.FLOAT32, elements);
        Region w = Region.allocate("w", elements * Float.BYTES);
        Region one = Region.allocate("one", w.byteLength());
        for (int cell = rank; cell < elements; cell += size) {
            one.putFloat((long) cell * Float.BYTES, 1);
        }
        client.start(w);
        client.resume(0);
        long acknowledged = 0;
        long timeouts = 0;
        for (int push = 0; push < pushes; push++) {
            client.push(one, push, 1, 0);
            // An impatient caller: it stops waiting, and then waits for the same push again.
            boolean done = false;
            while (!done) {
                try {
                    client.awaitPush(Duration.ofNanos(200_000));
                    done = true;
                } catch (PeerTimeoutException e) {
                    timeouts++;
                }
            }
            acknowledged++;
        }
        session.exchange("counted", NOTHING);
        client.beginPull(pushes);
        client.awaitPull(w);
        double worst = 0;
        for (int cell = 0; cell < elements; cell++) {
            worst = Math.max(worst, Math.abs(w.getFloat((long) cell * Float.BYTES) - acknowledged));
        }
        session.exchange("read", NOTHING);
        System.out.println("acknowledged " + acknowledged + ", off by " + worst + ", " + timeouts + " timeouts");
    }
}
