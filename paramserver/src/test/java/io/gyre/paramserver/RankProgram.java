package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;

/**
 * The program of the processes of {@link KilledRankTest}: workers and perhaps a server, until one is killed or step
 * 400.
 */
final class RankProgram {

    private static final int STEPS = 400;
    private static final int ELEMENTS = 1_000;

    private RankProgram() {}

    public static void main(String[] arguments) {
        int rank = Integer.parseInt(arguments[0]);
        JoinOptions options = JoinOptions.builder(rank, Integer.parseInt(arguments[1]), arguments[2])
                .build();
        Consistency consistency = arguments[4].equals("asp") ? new AsynchronousParallel() : new StaleSynchronous(2);
        try (Session session = AeronSession.join(options);
                ParameterService service = ParameterService.builder(session)
                        .servers(Integer.parseInt(arguments[3]))
                        .training(new Training(consistency, new GradientDescent(1)))
                        .start()) {
            if (service.isServer()) {
                System.out.println("serving");
                service.serve();
            } else {
                train(service);
            }
            System.out.println("done");
        } catch (GyreException e) {
            System.out.println("failed at " + System.currentTimeMillis() + ": " + e.getMessage());
            System.exit(1);
        }
    }

    private static void train(ParameterService service) {
        ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
        Region w = Region.allocate("w", 4L * ELEMENTS);
        client.start(w);
        client.resume(0);
        for (int step = 0; step < STEPS; step++) {
            client.beginPull(step);
            client.awaitPull(w);
            w.clear();
            w.putFloat(0, 1);
            client.push(w, step, 1, 0);
            if (step % 20 == 0) {
                System.out.println("step " + step);
            }
        }
        client.finish(w);
        System.out.println("result " + w.getFloat(0));
    }
}
