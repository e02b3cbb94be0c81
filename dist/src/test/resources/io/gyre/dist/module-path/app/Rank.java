package app;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RingCollective;
import io.gyre.memory.Region;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.GradientDescent;
import io.gyre.paramserver.ParameterClient;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.Training;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;

/** A rank that sums with the other, and then fits a parameter to 3 by a parameter server. */
public final class Rank {

    private static final byte[] NOTHING = {};
    private static final int STEPS = 40;

    public static void main(String[] arguments) {
        try (Session session = AeronSession.join(JoinOptions.fromEnvironment());
                ParameterService service = ParameterService.builder(session)
                        .training(new Training(new AsynchronousParallel(), new GradientDescent(0.25)))
                        .start();
                Region x = Region.allocate("x", Float.BYTES);
                Region gradient = Region.allocate("gradient", Float.BYTES)) {
            x.putFloat(0, session.world().rank() + 1);
            new RingCollective(session.endpoint()).allReduce(x, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            System.out.println(Rank.class.getModule() + ": sum " + x.getFloat(0));

            x.putFloat(0, 0);
            ParameterClient client = service.parameters("x", ElementType.FLOAT32, 1);
            client.start(x);
            client.resume(0);
            for (int step = 0; step < STEPS; step++) {
                client.beginPull(step);
                client.awaitPull(x);
                gradient.putFloat(0, x.getFloat(0) - 3);
                client.push(gradient, step, 1, 0);
                client.awaitPush();
            }
            session.exchange("trained", NOTHING);
            client.beginPull(STEPS);
            client.awaitPull(x);
            session.exchange("read", NOTHING);
            System.out.printf("%s: fitted %.3f%n", ParameterService.class.getModule(), x.getFloat(0));
        }
    }
}
