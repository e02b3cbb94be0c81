package io.gyre.local;

import io.gyre.World;
import io.gyre.membership.MemberSession;
import io.gyre.network.Endpoint;
import java.util.List;
import java.util.stream.IntStream;

/** One thread's membership in an {@link InProcessNetwork}. */
final class InProcessSession extends MemberSession {

    private final InProcessNetwork network;
    private final World world;
    private final List<InProcessEndpoint> endpoints;
    private volatile boolean closed;

    InProcessSession(InProcessNetwork network, World world) {
        super(network.membership(world.rank()), network.peerTimeout());
        this.network = network;
        this.world = world;
        this.endpoints = IntStream.range(0, LANES)
                .mapToObj(lane -> new InProcessEndpoint(network, world, lane, waitObservers()))
                .toList();
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public String transport() {
        return "local";
    }

    @Override
    public Endpoint endpoint() {
        return endpoint(0);
    }

    @Override
    public Endpoint endpoint(int lane) {
        return endpoints.get(lane);
    }

    @Override
    public long bytesSent() {
        long sum = 0;
        for (int lane = 0; lane < LANES; lane++) {
            sum += endpoints.get(lane).bytesSent();
        }
        return sum;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            endpoints.forEach(InProcessEndpoint::closeBoxes);
            network.end(world.rank());
        }
    }
}
