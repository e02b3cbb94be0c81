package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.training.ServerState;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What servers hold of a training is read and written as a whole, on any number of servers. */
@Timeout(60)
class ServerStateTest {

    private static final int ELEMENTS = 1_001;
    private static final long BYTES = (long) ELEMENTS * Double.BYTES;

    /** Gradient descent that adds up all gradients in a slot. */
    private static final class Summing implements ServerOptimizer {

        private final Region sum;

        Summing(long length) {
            sum = Region.allocate("sum", length * Double.BYTES);
        }

        @Override
        public void update(Region parameters, Region gradient, long update, int epoch, double part) {
            for (long at = 0; at < sum.byteLength(); at += Double.BYTES) {
                sum.putDouble(at, sum.getDouble(at) + gradient.getDouble(at));
                parameters.putDouble(at, parameters.getDouble(at) - gradient.getDouble(at));
            }
        }

        @Override
        public void readSlot(int slot, Region into) {
            Vectors.copy(into, sum);
        }

        @Override
        public void writeSlot(int slot, Region from) {
            Vectors.copy(sum, from);
        }
    }

    private static final ServerOptimizer.Factory FACTORY = new ServerOptimizer.Factory() {
        @Override
        public ServerOptimizer create(ElementType type, long offset, long length) {
            return new Summing(length);
        }

        @Override
        public int slots() {
            return 1;
        }
    };

    private static Region counting(double from) {
        Region region = Region.allocate("values", BYTES);
        for (int i = 0; i < ELEMENTS; i++) {
            region.putDouble((long) i * Double.BYTES, from + i);
        }
        return region;
    }

    private static List<Double> values(Region region) {
        return List.of(region.getDouble(0), region.getDouble(BYTES / 2 / 8 * 8), region.getDouble(BYTES - 8));
    }

    /** Pushes on as many ranks as servers; returns parameters, slot and number of updates. */
    private static List<Object> run(int servers, Region parameters, Region slot, long updates) throws Exception {
        return Gyre.local(servers)
                .call(session -> {
                    try (ParameterService service = ParameterService.builder(session)
                            .training(new Training(new AsynchronousParallel(), FACTORY))
                            .start()) {
                        ParameterClient client = service.parameters("w", ElementType.FLOAT64, ELEMENTS);
                        client.start(parameters);
                        ServerState state = client.serverState();
                        if (session.world().isRoot()) {
                            state.write(1, slot);
                            state.countFrom(updates);
                        }
                        session.exchange("restored", new byte[0]);
                        client.resume(0);
                        client.push(counting(1), 0, 1, 0);
                        state.pause();
                        state.pause();
                        session.exchange("paused", new byte[0]);
                        Region read = Region.allocate("read", BYTES);
                        Region readSlot = Region.allocate("read slot", BYTES);
                        long version = state.read(0, read);
                        state.read(1, readSlot);
                        session.exchange("read", new byte[0]);
                        assertThat(state.vectors()).isEqualTo(2);
                        return List.<Object>of(read, readSlot, version);
                    }
                })
                .get(0);
    }

    @Test
    void slotsAndUpdatesPassFromTwoServersToThree() throws Exception {
        List<Object> first = run(2, Region.allocate("zeros", BYTES), Region.allocate("zeros", BYTES), 0);
        assertThat(first.get(2)).isEqualTo(2L);
        assertThat(values((Region) first.get(1))).isEqualTo(List.of(2.0, 2.0 * 501, 2.0 * 1001));

        List<Object> second = run(3, (Region) first.get(0), (Region) first.get(1), (long) first.get(2));

        assertThat(second.get(2)).isEqualTo(5L);
        assertThat(values((Region) second.get(1))).isEqualTo(List.of(5.0, 5.0 * 501, 5.0 * 1001));
        assertThat(values((Region) second.get(0))).isEqualTo(List.of(-5.0, -5.0 * 501, -5.0 * 1001));
    }
}
