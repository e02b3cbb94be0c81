package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/**
 * The program of the processes of {@link KilledServersTest}: workers repeatedly push 1 to cells of their own on every
 * shard, and draw a number for each push; servers with backups are killed and started again meanwhile.
 */
final class KilledServersProgram {

    private static final int CELLS = 64;

    private KilledServersProgram() {}

    public static void main(String[] arguments) {
        int rank = Integer.parseInt(arguments[0]);
        int workers = Integer.parseInt(arguments[1]);
        int servers = Integer.parseInt(arguments[2]);
        JoinOptions options = JoinOptions.builder(rank, workers + servers, arguments[3])
                .transport(TransportMode.valueOf(arguments[5]))
                .build();
        try (Session session = AeronSession.join(options);
                ParameterService service = ParameterService.builder(session)
                        .servers(servers)
                        .backups(1)
                        .training(new Training(new AsynchronousParallel(), new GradientDescent(-1)))
                        .callTimeout(Duration.ofMinutes(1))
                        .start()) {
            if (service.isServer()) {
                reportBackups(service);
                service.serve();
                System.out.println("served to the end");
            } else {
                count(service, rank, workers, Integer.parseInt(arguments[4]));
            }
        } catch (GyreException e) {
            System.out.println("failed: " + e.getMessage());
            System.exit(1);
        }
    }

    private static void reportBackups(ParameterService service) {
        Thread thread = new Thread(() -> {
            Map<Integer, Integer> said = Map.of();
            while (true) {
                Map<Integer, Integer> now = service.backedBy();
                if (!now.equals(said)) {
                    said = now;
                    System.out.println("backed by " + now);
                }
                LockSupport.parkNanos(1_000_000);
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void count(ParameterService service, int rank, int workers, int pushes) {
        long elements = (long) CELLS * workers;
        ServerCounter counter = service.counter("numbers");
        ParameterClient client = service.parameters("cells", ElementType.FLOAT32, elements);
        Region w = Region.allocate("w", elements * Float.BYTES);
        Region one = Region.allocate("one", w.byteLength());
        for (int cell = rank; cell < elements; cell += workers) {
            one.putFloat((long) cell * Float.BYTES, 1);
        }
        client.start(w);
        client.resume(0);
        long last = -1;
        long longest = 0;
        for (int push = 0; push < pushes; push++) {
            long begin = System.nanoTime();
            client.push(one, push, 1, 0);
            long number = counter.getAndAdd(1);
            if (number <= last) {
                throw new GyreException("number " + number + " came after " + last);
            }
            last = number;
            client.awaitPush();
            longest = Math.max(longest, System.nanoTime() - begin);
            if (push % 1_000 == 0) {
                System.out.println("pushed " + push);
            }
        }
        client.finish(w);
        double worst = 0;
        for (int cell = 0; cell < elements; cell++) {
            worst = Math.max(worst, Math.abs(w.getFloat((long) cell * Float.BYTES) - pushes));
        }
        long numbers = counter.getAndAdd(0);
        System.out.println("acknowledged " + pushes + ", off by " + worst + ", " + numbers + " numbers, longest push "
                + longest / 1_000_000 + " ms");
    }
}
