package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.gyre.ElementType;
import io.gyre.allreduce.RingCollective;
import io.gyre.launcher.GyreCommandLine;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class AllReduceBenchTest {

    private static AllReduceOptions options(String... arguments) {
        return CommandLine.populateCommand(new AllReduceOptions(), arguments);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void allLengthsAreMeasuredAndAllRanksHaveTheSameReport(int ranks) throws Exception {
        AllReduceOptions options = options("--bytes", "4,1000,64K", "--seconds", "0.02", "--warm-up", "0");

        List<AllReduceReport> reports = Gyre.local(ranks).call(session -> {
            long joinNanos = (3 + session.world().rank()) * 1_000_000_000L;
            return new AllReduceBench(options, session).run(joinNanos);
        });

        AllReduceReport report = reports.get(0);
        assertThat(report.ranks()).isEqualTo(ranks);
        assertThat(report.transport()).isEqualTo("local");
        assertThat(reports).extracting(AllReduceReport::joinSeconds).containsOnly(3.0);
        assertThat(report.results()).extracting(AllReduceResult::bytes).containsExactly(4L, 1000L, 65_536L);
        assertThat(report.results()).allSatisfy(result -> {
            assertThat(result.checked()).isTrue();
            assertThat(result.rounds()).isGreaterThanOrEqualTo(10);
            assertThat(result.bestUs()).isPositive().isLessThanOrEqualTo(result.medianUs());
            assertThat(result.medianUs()).isLessThanOrEqualTo(result.p99Us());
            assertThat(result.algbwGbps() * 1e3 * result.medianUs())
                    .isCloseTo((double) result.bytes(), withPercentage(0.1));
            assertThat(result.floorUs()).isPositive();
        });
        for (AllReduceReport other : reports) {
            assertThat(other.results())
                    .extracting(AllReduceResult::rounds)
                    .isEqualTo(report.results().stream()
                            .map(AllReduceResult::rounds)
                            .toList());
        }
    }

    @Test
    void oneWrongElementInOneRoundEndsItWithStatus1() {
        StringWriter err = new StringWriter();
        CommandLine commandLine = GyreCommandLine.of(new Faulty()).setErr(new PrintWriter(err));

        assertThat(commandLine.execute()).isEqualTo(1);
        assertThat(err.toString())
                .contains("rank 1")
                .contains("wrong sum of 4,000 bytes over 2 ranks, round 7: element 999 of 1,000");
    }

    /** A benchmark whose all-reduce is slightly wrong on rank 1, once. */
    @Command(name = "faulty")
    static final class Faulty implements Callable<Integer> {
        @Override
        public Integer call() throws InterruptedException {
            AllReduceOptions options = options("--bytes", "4000", "--seconds", "0.02", "--warm-up", "0");
            Gyre.local(2).run(session -> new AllReduceBench(options, session, faulty(session)).run(0));
            return 0;
        }

        private static Collective faulty(Session session) {
            Collective right = new RingCollective(session.endpoint());
            return (Collective) Proxy.newProxyInstance(
                    Collective.class.getClassLoader(),
                    new Class<?>[] {Collective.class},
                    (proxy, method, arguments) -> {
                        Object result;
                        try {
                            result = method.invoke(right, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                        if (session.world().rank() == 1
                                && method.getName().equals("allReduce")
                                && arguments[1] == ElementType.FLOAT32
                                && arguments[3].equals(7L)) {
                            Region data = (Region) arguments[0];
                            data.putFloat(3996, data.getFloat(3996) + 1);
                        }
                        return result;
                    });
        }
    }
}
