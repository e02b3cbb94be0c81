package io.gyre.paramserver;

import org.jspecify.annotations.Nullable;

/** How much memory a server may use for buffers, and how much of it is taken. */
final class MemoryBudget {

    private final int server;
    private final int servers;
    private final long limit;
    private long taken;

    /**
     * Creates a budget of which nothing is taken.
     *
     * @param server index of the server, for errors
     * @param limit in bytes
     */
    MemoryBudget(int server, int servers, long limit) {
        this.server = server;
        this.servers = servers;
        this.limit = limit;
    }

    /** Why there is no room for that many more bytes, or null. */
    @Nullable String objection(long bytes, String purpose) {
        return bytes <= limit - taken
                ? null
                : "server " + server + " of " + servers + " has no room for " + purpose + ": " + bytes
                        + " bytes are needed, " + (limit - taken) + " of " + limit
                        + " are left. Use more servers, or free other buffers";
    }

    void take(long bytes) {
        taken += bytes;
    }

    void release(long bytes) {
        taken -= bytes;
    }

    long taken() {
        return taken;
    }
}
