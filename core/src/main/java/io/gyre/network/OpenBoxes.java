package io.gyre.network;

import io.gyre.Member;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The common part of all boxes of a rank: names, counting, waiting for others' boxes, and closing. */
public abstract class OpenBoxes implements MemoryBoxes, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(OpenBoxes.class);

    private final Endpoint endpoint;
    private final int lane;
    private final Activity activity = new Activity();
    private final Map<String, Integer> names = new HashMap<>();
    private final AtomicLong moved = new AtomicLong();
    private final Set<MemoryBox> open = new HashSet<>();
    private boolean closed;

    /**
     * Prepares the boxes of one rank; none is open yet.
     *
     * @param endpoint used to wait for others' boxes; borrowed
     * @param lane of the endpoint: the lanes of a session share one space of names
     */
    protected OpenBoxes(Endpoint endpoint, int lane) {
        this.endpoint = endpoint;
        this.lane = lane;
    }

    /** This rank's end of the network. */
    protected final Endpoint endpoint() {
        return endpoint;
    }

    @Override
    public final String newName(String purpose) {
        synchronized (names) {
            String name = purpose + "-" + (names.merge(purpose, 1, Integer::sum) - 1);
            return lane == 0 ? name : name + " of lane " + lane;
        }
    }

    @Override
    public final void moved(long bytes) {
        moved.addAndGet(bytes);
    }

    @Override
    public final long bytesMoved() {
        return moved.get();
    }

    /** Waits until the owner has created a box, that is, until {@code find} finds it. */
    protected final <T> T awaitBox(Member owner, String name, Supplier<@Nullable T> find) {
        activity.begin("attaching box '" + name + "'", 0, -1, 0);
        activity.waitingFor(owner, 0);
        T found = find.get();
        while (found == null) {
            endpoint.await(0, activity);
            found = find.get();
        }
        endpoint.await(1, activity);
        return found;
    }

    /** Registers a box to be closed with the rest; closes it now if that has already happened. */
    protected final <B extends MemoryBox> B register(B box) {
        synchronized (open) {
            if (!closed) {
                open.add(box);
                return box;
            }
        }
        box.close();
        throw new IllegalStateException("this session is closed");
    }

    /** Unregisters a closed box. Returns whether it was open until now. */
    protected final boolean forget(MemoryBox box) {
        synchronized (open) {
            return open.remove(box);
        }
    }

    /** Closes all boxes except those in use, whose memory stays until the process ends. */
    @Override
    public final void close() {
        List<MemoryBox> rest;
        synchronized (open) {
            closed = true;
            rest = new ArrayList<>(open);
        }
        List<String> inUse = new ArrayList<>();
        for (MemoryBox box : rest) {
            try {
                box.close();
            } catch (IllegalStateException e) {
                inUse.add(String.valueOf(e.getMessage()));
            }
        }
        if (!inUse.isEmpty()) {
            LOG.warn(
                    "rank {}: {}{}: memory stays until the process ends. Close what uses it, such as a trainer, before"
                            + " the session",
                    endpoint.world().rank(),
                    inUse.get(0),
                    inUse.size() == 1 ? "" : " (and " + (inUse.size() - 1) + " more)");
        }
    }
}
