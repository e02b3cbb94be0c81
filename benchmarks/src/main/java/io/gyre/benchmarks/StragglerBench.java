package io.gyre.benchmarks;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.GradientDescent;
import io.gyre.paramserver.ParameterClient;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.paramserver.StalenessHistogram;
import io.gyre.paramserver.Training;
import io.gyre.session.Session;
import io.gyre.session.SharedCounter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/** Workers that sleep instead of computing, one of them longer than the others, and push their counts. */
final class StragglerBench {

    private static final int ELEMENTS = 1_000;
    private static final byte[] NOTHING = {};

    private final int workers;
    private final int batches;
    private final double millis;
    private final double factor;
    private final Straggler straggler;
    private final boolean dealt;

    /**
     * Plans a run.
     *
     * @param batches of all workers together
     * @param dealt whether batches are dealt; otherwise all workers have equal shares
     */
    StragglerBench(int workers, int batches, double millis, double factor, Straggler straggler, boolean dealt) {
        this.workers = workers;
        this.batches = batches;
        this.millis = millis;
        this.factor = factor;
        this.straggler = straggler;
        this.dealt = dealt;
    }

    private record Part(double seconds, long batches, StalenessHistogram staleness) {}

    /** Trains to the end, and checks that every batch counted once and that the staleness bound was kept. */
    StragglerResult run(Consistency consistency) throws InterruptedException {
        List<Part> parts = Gyre.local(workers).call(session -> {
            Training training = new Training(consistency, new GradientDescent(1));
            try (ParameterService service =
                    ParameterService.builder(session).training(training).start()) {
                Part part = work(session, service, consistency);
                session.exchange("the end", NOTHING);
                return part;
            }
        });
        StalenessHistogram staleness = parts.get(0).staleness();
        long done = parts.stream().mapToLong(Part::batches).sum();
        if (done != batches) {
            throw new GyreException(done + " batches were trained instead of " + batches);
        }
        if (consistency instanceof StaleSynchronous bounded && staleness.max() > bounded.bound()) {
            throw new GyreException("a push was " + staleness.max() + " steps late with " + consistency.name());
        }
        return new StragglerResult(
                straggler.name().toLowerCase(Locale.ROOT),
                dealt,
                consistency.name(),
                parts.stream().mapToDouble(Part::seconds).max().orElseThrow(),
                1,
                staleness.max(),
                staleness.mean(),
                parts.stream().map(Part::batches).toList());
    }

    private Part work(Session session, ParameterService service, Consistency consistency) {
        ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
        SharedCounter counter = service.counter("batches");
        Region w = Region.allocate("w", ELEMENTS * Float.BYTES);
        Region gradient = Region.allocate("gradient", w.byteLength());
        gradient.putFloat(0, -1);
        client.start(w);
        client.resume(0);
        int rank = session.world().rank();
        long share = Chunk.of(rank, workers, batches).length();
        boolean pulling = false;
        long begin = System.nanoTime();
        long step = 0;
        while (dealt ? counter.getAndAdd(1) < batches : step < share) {
            if (!pulling) {
                client.beginPull(step);
            }
            client.awaitPull(w);
            pulling = consistency.mayPullAhead();
            if (pulling) {
                client.beginPull(step + 1);
            }
            compute(straggler.isSlow(rank, workers, step));
            client.push(gradient, step, 1, 0);
            step++;
        }
        client.awaitPush();
        double seconds = (System.nanoTime() - begin) / 1e9;
        client.finish(w);
        // With bulk synchronous consistency a step is one update by the mean, which is 1.
        if (!consistency.combinesSteps() && w.getFloat(0) != batches) {
            throw new GyreException("the servers have counted " + w.getFloat(0) + " pushes of " + batches);
        }
        return new Part(seconds, step, client.staleness());
    }

    private void compute(boolean slow) {
        long end = System.nanoTime() + (long) (millis * 1e6 * (slow ? factor : 1));
        for (long rest = end - System.nanoTime(); rest > 0; rest = end - System.nanoTime()) {
            LockSupport.parkNanos(rest);
        }
    }
}
