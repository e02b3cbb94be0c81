package io.gyre.transport;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ReduceOp;
import io.gyre.allreduce.Collectives;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.util.concurrent.CountDownLatch;

/**
 * A rank that trains nothing, in the rhythm of one that trains. In the given phase, the victim reports it and stops
 * there or, in an all-reduce, continues. A rank that fails reports why and ends with status 1.
 */
final class PhaseProgram {

    /** The step in which the victim stops. */
    static final long LAST_STEP = 5;

    static final int BUCKET = 3;

    /** It reports its progress every so many steps. */
    static final long STEPS_PER_LINE = 50;

    private static final long BYTES = 200_000;

    private final Session session;
    private final Collective collective;
    private final boolean victim;
    private final Phase phase;

    /** Where a rank can be lost. */
    enum Phase {
        /** After asking to join, while others are missing. */
        JOIN,
        /** During an all-reduce. */
        ALL_REDUCE,
        /** Between all-reduce and updater, while the others proceed to the next step. */
        UPDATE,
        /** While writing a file that the others wait for. */
        CHECKPOINT,
        /** While doing its own work and the others wait in a barrier. */
        IDLE,
        /** While doing its own work, after the others have finished theirs and leave. */
        LEAVE
    }

    private PhaseProgram(Session session, boolean victim, Phase phase) {
        this.session = session;
        this.victim = victim;
        this.phase = phase;
        collective = Collectives.choose(session.endpoint());
    }

    public static void main(String[] arguments) throws InterruptedException {
        Phase phase = Phase.valueOf(arguments[0]);
        JoinOptions options = JoinOptions.fromEnvironment();
        boolean victim = options.rank() == Integer.parseInt(arguments[1]);
        int status = 0;
        try (Session session = AeronSession.join(options)) {
            new PhaseProgram(session, victim, phase).run();
        } catch (GyreException | IllegalStateException e) {
            System.out.println(e.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private void run() throws InterruptedException {
        Region data = collective.allocate("numbers", BYTES).region();
        for (long step = 0; ; step++) {
            boolean last = step == LAST_STEP;
            if (last && phase == Phase.ALL_REDUCE) {
                // The victim continues, and the others with it, until it is killed.
                System.out.println("in " + phase);
            }
            collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, step, BUCKET);
            if (step % STEPS_PER_LINE == 0) {
                System.out.println("step " + step);
            }
            if (last) {
                enter(Phase.UPDATE);
            }
            if (phase == Phase.CHECKPOINT && last) {
                enter(Phase.CHECKPOINT);
                session.exchange("checkpoint of step " + step, new byte[0]);
            }
            if (phase == Phase.IDLE && last) {
                enter(Phase.IDLE);
                collective.barrier(step);
            }
            if (phase == Phase.LEAVE && last) {
                enter(Phase.LEAVE);
                System.out.println("leaving");
                return;
            }
        }
    }

    private void enter(Phase here) throws InterruptedException {
        if (victim && here == phase) {
            System.out.println("in " + here);
            new CountDownLatch(1).await();
        }
    }
}
