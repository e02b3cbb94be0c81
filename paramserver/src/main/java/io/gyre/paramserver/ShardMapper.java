package io.gyre.paramserver;

import io.gyre.memory.MemoryBox;
import io.gyre.session.Session;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Maps memory that servers on this rank's host share with their clients. */
final class ShardMapper {

    private final Session session;
    private final ServiceThread service;

    ShardMapper(Session session, ServiceThread service) {
        this.session = session;
        this.service = service;
    }

    /**
     * Maps a box of a server.
     *
     * @param box its name; empty if there is none
     * @param bytes of data
     * @return null if it cannot be mapped from here: then all requests go to the server
     */
    @Nullable StripedMemory map(ServerLink server, String box, long bytes) {
        int owner = server.server().rank();
        if (box.isEmpty() || !session.endpoint().boxes().ranks().contains(owner)) {
            return null;
        }
        MemoryBox found = session.endpoint().boxes().attach(owner, box, StripedMemory.wholeBytes(bytes));
        int own = session.world().rank();
        return new StripedMemory(found.region(), bytes, box, own, new Waiter(server, box));
    }

    /** Waits for a lock as long as the server is in the run. */
    private final class Waiter implements StripeLocks.Guard {
        private final ServerLink server;
        private final String box;

        Waiter(ServerLink server, String box) {
            this.server = server;
            this.box = box;
        }

        @Override
        public void pause() {
            service.checkRunning("a change of box '" + box + "' of " + server);
            LockSupport.parkNanos(1_000);
        }

        @Override
        public boolean hasEnded(int rank) {
            return session.hasEnded(rank);
        }

        @Override
        public int incarnation(int rank) {
            return session.incarnation(rank);
        }
    }
}
