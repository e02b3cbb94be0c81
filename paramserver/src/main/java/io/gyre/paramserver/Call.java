package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One request of a client to one server, from the calling thread to the service's thread, which carries it, and back.
 *
 * @param <R> type of the reply
 */
final class Call<R extends Reply> {

    private final ServerLink server;
    private final long number;
    private final Request<R> request;
    private final @Nullable Region data;
    private final Thread asker = Thread.currentThread();
    private volatile @Nullable Reply reply;
    private long sentNanos;

    /**
     * Creates a call by the current thread.
     *
     * @param number not used by another call to this server
     * @param data sent with the request, or the target of the reply's data; borrowed; null if neither
     */
    Call(ServerLink server, long number, Request<R> request, @Nullable Region data) {
        this.server = server;
        this.number = number;
        this.request = request;
        this.data = data;
    }

    ServerLink server() {
        return server;
    }

    long number() {
        return number;
    }

    Request<R> request() {
        return request;
    }

    /** The data sent with the request; null if there are none. */
    @Nullable Region sends() {
        return request.carriesData() ? data : null;
    }

    /** The target of the reply's data; null if there are none. */
    @Nullable Region receives() {
        return request.carriesData() ? null : data;
    }

    /** Records that it was sent, or sent again. Used by the service's thread. */
    void sent(long nanos) {
        sentNanos = nanos;
    }

    /** Time at which it was last sent. Used by the service's thread. */
    long sentNanos() {
        return sentNanos;
    }

    /** Completes the call, and wakes the calling thread. */
    void finish(Reply own) {
        reply = own;
        LockSupport.unpark(asker);
    }

    boolean isFinished() {
        return reply != null;
    }

    /**
     * The reply to a completed call.
     *
     * @throws GyreException if the server rejected the request
     */
    R reply(int ownRank) {
        Reply known = reply;
        if (known instanceof Reply.Refused refused) {
            throw new GyreException("rank " + ownRank + ": " + this + " failed: " + refused.reason());
        }
        if (!request.replyType().isInstance(known)) {
            throw new ProtocolException("rank " + ownRank + ": " + this + " was answered with " + known);
        }
        return request.replyType().cast(known);
    }

    /** Describes the request, for errors. */
    @Override
    public String toString() {
        return request.inWords() + " at " + server;
    }
}
