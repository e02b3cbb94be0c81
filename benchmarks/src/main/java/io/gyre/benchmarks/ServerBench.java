package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.Collectives;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.openblas.FastKernels;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.GradientDescent;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.SoftMemoryBox;
import io.gyre.paramserver.Training;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.HdrHistogram.Histogram;

/**
 * One rank of the benchmark of servers. In each round all clients prepare, pass a barrier, do the same operation
 * concurrently, and check every element of the result; then they concurrently run the memory floor of the operation.
 * The time of a round is that of its slowest client.
 *
 * <p>All lengths and operations are warmed up before the first is measured, because all of them influence the compiler.
 */
final class ServerBench {

    /** For a meaningful median, however long a round takes. */
    private static final int LEAST_ROUNDS = 6;

    private static final byte[] NOTHING = {};

    private final ServerBenchOptions options;
    private final Session session;
    private final int servers;
    private final Kernels kernels = FastKernels.choose();
    private final Region agreed = Region.allocate("times and end of a round", 3 * Double.BYTES);

    ServerBench(ServerBenchOptions options, Session session, int servers) {
        this.options = options;
        this.session = session;
        this.servers = servers;
    }

    private record Case(long bytes, ServerOperation operation, ServerWorkload workload) {}

    private record Times(Histogram operation, Histogram floor) {}

    /** Measures everything; empty on servers, the same report on all clients. */
    Optional<ServerReport> run() {
        Training training = new Training(new AsynchronousParallel(), new GradientDescent(1));
        try (ParameterService service = ParameterService.builder(session)
                .servers(servers)
                .backups(options.backups())
                .training(training)
                .callTimeout(options.peerTimeout())
                .start()) {
            if (service.isServer()) {
                service.serve();
                return Optional.empty();
            }
            ServerReport report = measure(service);
            service.workers().exchange("the end", NOTHING);
            return Optional.of(report);
        }
    }

    private ServerReport measure(ParameterService service) {
        Session clients = service.workers();
        Collective collective = Collectives.choose(clients.endpoint());
        List<Case> cases = new ArrayList<>();
        for (long bytes : options.bytes()) {
            ServerWorkload.Vectors vectors = new ServerWorkload.Vectors(
                    Region.allocate("own vector", bytes), Region.allocate("other vector", bytes));
            for (ServerOperation operation : options.operations()) {
                cases.add(new Case(bytes, operation, workload(service, operation, vectors)));
            }
        }
        for (Case each : cases) {
            measure(each.workload(), collective, options.warmUp());
        }
        List<ServerResult> results = new ArrayList<>();
        for (Case each : cases) {
            Times times = measure(each.workload(), collective, options.time());
            results.add(ServerResult.of(
                    servers, clients.world().size(), each.operation(), each.bytes(), times.operation(), times.floor()));
        }
        return ServerReport.of(session.transport(), options, kernels, results);
    }

    private ServerWorkload workload(
            ParameterService service, ServerOperation operation, ServerWorkload.Vectors vectors) {
        int rank = service.workers().world().rank();
        int clients = service.workers().world().size();
        long bytes = vectors.own().byteLength();
        String name = operation + " of " + bytes;
        return switch (operation) {
            case READ -> ServerWorkload.read(box(service, name, bytes), vectors, kernels, rank == 0);
            case WRITE -> ServerWorkload.write(box(service, name, bytes), vectors, kernels);
            case ACCUMULATE -> ServerWorkload.accumulate(box(service, name, bytes), vectors, kernels, rank, clients);
            case PUSHPULL ->
                ServerWorkload.pushPull(
                        service.parameters(name, ElementType.FLOAT32, bytes / Float.BYTES),
                        vectors,
                        kernels,
                        rank,
                        clients);
        };
    }

    private static SoftMemoryBox box(ParameterService service, String name, long bytes) {
        long elements = bytes / Float.BYTES;
        if (service.workers().world().isRoot()) {
            SoftMemoryBox box = service.create(name, ElementType.FLOAT32, elements);
            service.workers().exchange(name, NOTHING);
            return box;
        }
        service.workers().exchange(name, NOTHING);
        return service.attach(name, ElementType.FLOAT32, elements);
    }

    private Times measure(ServerWorkload workload, Collective collective, Duration time) {
        Times times = new Times(new Histogram(3), new Histogram(3));
        long begin = System.nanoTime();
        boolean more = true;
        // An even number of rounds, so that every addition has been undone.
        for (int round = 0; more || round % 2 == 1; round++) {
            workload.prepare(round);
            collective.barrier(round);
            long operation = System.nanoTime();
            workload.operate(round);
            long ended = System.nanoTime();
            collective.barrier(round);
            workload.check(round);
            collective.barrier(round);
            long floor = System.nanoTime();
            workload.floor();
            agreed.putDouble(0, (double) (ended - operation));
            agreed.putDouble(Double.BYTES, (double) (System.nanoTime() - floor));
            boolean enough = round + 1 >= LEAST_ROUNDS && System.nanoTime() - begin >= time.toNanos();
            // The root decides for all.
            agreed.putDouble(2 * Double.BYTES, collective.world().isRoot() && enough ? 1 : 0);
            collective.allReduce(agreed, ElementType.FLOAT64, ReduceOp.MAX, round, 0);
            times.operation().recordValue((long) agreed.getDouble(0));
            times.floor().recordValue((long) agreed.getDouble(Double.BYTES));
            more = agreed.getDouble(2 * Double.BYTES) == 0;
        }
        return times;
    }
}
