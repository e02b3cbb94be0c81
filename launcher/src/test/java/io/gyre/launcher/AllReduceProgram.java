package io.gyre.launcher;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RingCollective;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.util.concurrent.locks.LockSupport;

/**
 * A rank with the pattern of training: it reduces floats with the others and checks every sum, works alone briefly, and
 * occasionally waits for rank 0's file and in a barrier, until it is killed.
 */
final class AllReduceProgram {

    private static final int FLOATS = 20_000;
    private static final int STEPS_PER_LINE = 5;
    private static final long OWN_WORK_NANOS = 1_000_000;

    private AllReduceProgram() {}

    public static void main(String[] arguments) {
        System.out.println("started " + ProcessHandle.current().pid());
        try (Session session = AeronSession.join(JoinOptions.fromEnvironment());
                Region data = Region.allocate("numbers", (long) FLOATS * Float.BYTES)) {
            RingCollective collective = new RingCollective(session.endpoint());
            int rank = session.world().rank();
            for (long step = 0; ; step++) {
                addUp(data, collective, rank, session.world().size(), step);
                // Simulates the updater.
                LockSupport.parkNanos(OWN_WORK_NANOS);
                if (step % STEPS_PER_LINE == 0) {
                    System.out.println("step " + step);
                    if (rank == 0) {
                        // Simulates a checkpoint.
                        LockSupport.parkNanos(OWN_WORK_NANOS);
                    }
                    session.exchange("checkpoint of step " + step, new byte[0]);
                    collective.barrier(step);
                }
            }
        }
    }

    private static void addUp(Region data, RingCollective collective, int rank, int size, long step) {
        for (int i = 0; i < FLOATS; i++) {
            data.putFloat((long) i * Float.BYTES, rank + i % 7);
        }
        collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, step, 0);
        for (int i = 0; i < FLOATS; i++) {
            float expected = size * (size - 1) / 2 + size * (i % 7);
            if (data.getFloat((long) i * Float.BYTES) != expected) {
                throw new AssertionError("step " + step + ", element " + i + " is not " + expected);
            }
        }
    }
}
