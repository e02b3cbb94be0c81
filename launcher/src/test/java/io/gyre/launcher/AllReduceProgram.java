package io.gyre.launcher;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.Region;
import io.gyre.Session;
import io.gyre.allreduce.RingCollective;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;

/** A rank that adds up floats with the others until somebody stops it, and checks every sum. */
final class AllReduceProgram {

    private static final int FLOATS = 50_000;
    private static final int STEPS_PER_LINE = 5;

    private AllReduceProgram() {}

    public static void main(String[] arguments) {
        System.out.println("started " + ProcessHandle.current().pid());
        try (Session session = AeronSession.join(JoinOptions.fromEnvironment());
                Region data = Region.allocate("numbers", (long) FLOATS * Float.BYTES)) {
            int size = session.world().size();
            RingCollective collective = new RingCollective(session.endpoint());
            System.out.println("ready " + ProcessHandle.current().pid());
            for (long step = 0; ; step++) {
                for (int i = 0; i < FLOATS; i++) {
                    data.putFloat((long) i * Float.BYTES, session.world().rank() + i % 7);
                }
                collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, step, 0);
                for (int i = 0; i < FLOATS; i++) {
                    float expected = size * (size - 1) / 2 + size * (i % 7);
                    if (data.getFloat((long) i * Float.BYTES) != expected) {
                        throw new AssertionError("step " + step + ", element " + i + " is not " + expected);
                    }
                }
                if (step % STEPS_PER_LINE == 0) {
                    System.out.println("step " + step);
                }
            }
        }
    }
}
