package io.gyre.startup;

import io.gyre.memory.MemoryBox;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;

/**
 * Measures how soon a rank sees what another has written to memory that both share. Two counters are in one box, each
 * on a cache line of its own; the ranks raise them in turn.
 */
final class MemoryProbe {

    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private static final int BYTES = 4_096;
    private static final int FIRST = 0;
    private static final int SECOND = 128;
    private static final long END = -1;
    private static final int TURNS = 1_000;
    private static final long BUDGET_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Endpoint endpoint;
    private final Activity activity = new Activity();
    private final String name;

    /** All ranks create it together. */
    MemoryProbe(Endpoint endpoint) {
        this.endpoint = endpoint;
        name = endpoint.boxes().newName("start-up");
    }

    /** Measures with a peer, which calls {@link #answer} meanwhile. */
    Link measure(int peer, String kind) {
        begin(peer);
        try (MemoryBox box = endpoint.boxes().create(name, BYTES)) {
            ByteBuffer counters = box.region().window(0);
            int base = box.region().windowOffset(0);
            long best = Long.MAX_VALUE;
            long start = System.nanoTime();
            long now = start;
            for (long turn = 1; turn == 1 || (turn <= TURNS && now - start < BUDGET_NANOS); turn++) {
                LONG.setVolatile(counters, base + FIRST, turn);
                await(counters, base + SECOND, turn);
                long end = System.nanoTime();
                best = Math.min(best, Math.max(1, end - now));
                now = end;
            }
            LONG.setVolatile(counters, base + FIRST, END);
            await(counters, base + SECOND, END);
            int own = endpoint.world().rank();
            return new Link(own, peer, kind, Math.max(1, best / 2), 0, ClockDifference.NONE);
        }
    }

    /** Answers a peer, which calls {@link #measure} meanwhile. */
    void answer(int peer) {
        begin(peer);
        try (MemoryBox box = endpoint.boxes().attach(peer, name, BYTES)) {
            ByteBuffer counters = box.region().window(0);
            int base = box.region().windowOffset(0);
            long seen = 0;
            while (seen != END) {
                seen = awaitOther(counters, base + FIRST, seen);
                LONG.setVolatile(counters, base + SECOND, seen);
            }
        }
    }

    private void begin(int peer) {
        activity.begin("start-up check of shared memory", 0, -1, 0);
        activity.waitingFor(endpoint.member(peer), 0);
    }

    private void await(ByteBuffer counters, int at, long value) {
        while ((long) LONG.getVolatile(counters, at) != value) {
            endpoint.await(0, activity);
        }
        endpoint.await(1, activity);
    }

    private long awaitOther(ByteBuffer counters, int at, long than) {
        long value = (long) LONG.getVolatile(counters, at);
        while (value == than) {
            endpoint.await(0, activity);
            value = (long) LONG.getVolatile(counters, at);
        }
        endpoint.await(1, activity);
        return value;
    }
}
