package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One request of a client to one server, from the thread that asks to the service's thread, which carries it, and back.
 *
 * @param <R> what the server replies
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
     * A call by the current thread.
     *
     * @param number not used by another call to this server
     * @param data what goes with the request, or where the data of the reply go; borrowed; null if neither
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

    /** What goes with the request; null if nothing does. */
    @Nullable Region sends() {
        return request.carriesData() ? data : null;
    }

    /** Where the data of the reply go; null if there are none. */
    @Nullable Region receives() {
        return request.carriesData() ? null : data;
    }

    /** Notes that it is sent, or sent again. For the service's thread. */
    void sent(long nanos) {
        sentNanos = nanos;
    }

    /** When it was last sent. For the service's thread. */
    long sentNanos() {
        return sentNanos;
    }

    /** Ends the call, and wakes the thread that asked. */
    void finish(Reply own) {
        reply = own;
        LockSupport.unpark(asker);
    }

    boolean isFinished() {
        return reply != null;
    }

    /**
     * The reply to a finished call.
     *
     * @throws GyreException if the server refused
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

    /** What is asked, for errors. */
    @Override
    public String toString() {
        return request.inWords() + " at " + server;
    }
}
