package io.gyre.paramserver;

import io.gyre.paramserver.Request.Wait;

/**
 * Answers the requests that change nothing: those that read at once, and those that wait as soon as their condition
 * holds. Used by the service's thread.
 */
final class Answers {

    private final ShardTable table;
    private final WaitingRequests waiting = new WaitingRequests();
    private final WaitingRequests.Attempt attempt = this::answerIfDue;

    /** Creates the answers of a server that nobody has asked yet. */
    Answers(ShardTable table) {
        this.table = table;
    }

    /** Whether a request changes nothing, so that it is answered here. */
    static boolean isFor(Request<?> request) {
        return request instanceof Wait
                || request instanceof Request.Read
                || request instanceof Request.ReadSlot
                || request instanceof Request.CountStaleness;
    }

    /** Answers a request that was checked, now or when its condition holds. */
    void answer(ClientLink client, long call, Request<?> request) {
        if (request instanceof Wait<?> wait) {
            if (!answerIfDue(client, call, wait)) {
                waiting.add(client, call, wait);
            }
        } else if (request instanceof Request.Read read) {
            Shard shard = table.get(read.buffer());
            client.reply(
                    call, new Reply.Content(shard.version()), shard.memory().data());
        } else if (request instanceof Request.ReadSlot read) {
            TrainedShard training = table.get(read.buffer()).training();
            client.reply(call, new Reply.Content(training.updates()), training.slot(read.slot()));
        } else if (request instanceof Request.CountStaleness count) {
            TrainedShard training = table.get(count.buffer()).training();
            client.reply(call, new Reply.StalenessCounted(training.staleness()));
        } else {
            throw new IllegalStateException("no handling for " + request);
        }
    }

    private boolean answerIfDue(ClientLink client, long call, Wait<?> request) {
        Shard shard = table.get(request.buffer());
        if (request instanceof Request.AwaitVersion await) {
            boolean due = shard.version() >= await.version();
            if (due) {
                client.reply(call, new Reply.Reached(shard.version()));
            }
            return due;
        }
        if (!(request instanceof Request.BeginStep begin)) {
            throw new IllegalStateException("no handling for " + request);
        }
        TrainedShard training = shard.training();
        if (!training.mayBegin(begin.step())) {
            return false;
        }
        training.pulled(client.worker());
        Reply granted = new Reply.StepGranted(training.updates(), training.slowest());
        if (request instanceof Request.SentPull) {
            client.reply(call, granted, shard.memory().data());
        } else {
            client.reply(call, granted);
        }
        return true;
    }

    /** Answers the requests that wait and can be answered now. */
    void retry() {
        waiting.retry(attempt);
    }

    /** Drops the requests of a client that wait. */
    void forget(ClientLink client) {
        waiting.forget(client);
    }

    /** Refuses the requests about a buffer that wait. */
    void refuse(int buffer, String reason) {
        waiting.refuse(buffer, reason);
    }

    /** Number of requests that wait. */
    int waiting() {
        return waiting.size();
    }
}
