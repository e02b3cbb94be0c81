package io.gyre.paramserver;

import io.gyre.paramserver.Request.Wait;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests that a server cannot answer yet: for a step that may not begin, or for a version that has not been reached.
 *
 * <p>At most one of each kind for each client and buffer: a new one replaces the previous one, which the client has
 * given up or repeated. So there is a bound, and a client that keeps repeating requests does not make the server grow.
 */
final class WaitingRequests {

    /** Tries to answer a request. */
    @FunctionalInterface
    interface Attempt {
        boolean answer(ClientLink client, long call, Wait<?> request);
    }

    private record Waiting(ClientLink client, long call, Wait<?> request) {}

    private final List<Waiting> all = new ArrayList<>();

    void add(ClientLink client, long call, Wait<?> request) {
        all.removeIf(other -> other.client == client
                && other.request.getClass() == request.getClass()
                && other.request.buffer() == request.buffer());
        all.add(new Waiting(client, call, request));
    }

    /** Answers those that can be answered now, in the order of arrival. */
    void retry(Attempt attempt) {
        int left = 0;
        for (int i = 0; i < all.size(); i++) {
            Waiting next = all.get(i);
            if (!attempt.answer(next.client, next.call, next.request)) {
                all.set(left++, next);
            }
        }
        while (all.size() > left) {
            all.remove(all.size() - 1);
        }
    }

    /** Drops all requests of a client. */
    void forget(ClientLink client) {
        all.removeIf(each -> each.client == client);
    }

    /** Rejects all requests about a buffer. */
    void refuse(int buffer, String reason) {
        for (Waiting each : all) {
            if (each.request.buffer() == buffer) {
                each.client.reply(each.call, new Reply.Refused(reason));
            }
        }
        all.removeIf(each -> each.request.buffer() == buffer);
    }

    int size() {
        return all.size();
    }
}
