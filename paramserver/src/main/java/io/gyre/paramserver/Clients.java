package io.gyre.paramserver;

import io.gyre.memory.Region;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The clients of a server, by rank, and which of them have ended. Used by the service's thread. */
final class Clients {

    private final List<Integer> workers;
    private final List<Integer> all;
    private final MemoryBudget budget;
    private final Faults faults;
    private final Map<Integer, ClientLink> links = new TreeMap<>();
    private boolean anyLeft;

    /**
     * Expects the first requests.
     *
     * @param workers ranks that push, in the order of their clocks
     * @param all ranks that make any requests
     * @param budget charged for the memory of arriving data
     * @param faults applied to replies
     */
    Clients(List<Integer> workers, List<Integer> all, MemoryBudget budget, Faults faults) {
        this.workers = workers;
        this.all = all;
        this.budget = budget;
        this.faults = faults;
    }

    /** The connection to a client. */
    ClientLink get(int rank) {
        ClientLink known = links.get(rank);
        if (known == null) {
            known = new ClientLink(rank, worker(rank), budget, faults);
            links.put(rank, known);
        }
        return known;
    }

    /** Index of a rank among those that push; -1 if it does not push. */
    int worker(int rank) {
        return workers.indexOf(rank);
    }

    /** A rank was restarted: its new process makes its requests from the beginning. */
    void restarted(int rank) {
        links.remove(rank);
    }

    /** Drops the replies that read from memory that is about to be freed. */
    void dropRepliesFrom(Region memory) {
        links.values().forEach(client -> client.dropRepliesFrom(memory));
    }

    /** The ranks that have ended. */
    List<Integer> ended() {
        return links.values().stream()
                .filter(ClientLink::hasEnded)
                .map(ClientLink::rank)
                .toList();
    }

    /** Whether all have ended, and have received their last replies. */
    boolean areDone() {
        for (int rank : all) {
            ClientLink client = get(rank);
            if (!client.hasEnded() || client.hasReplies()) {
                return false;
            }
        }
        return true;
    }

    /** Whether any has left in good order, as far as this copy of the shard knows. */
    boolean anyLeft() {
        return anyLeft;
    }

    /** One has left in good order. */
    void setAnyLeft() {
        anyLeft = true;
    }
}
