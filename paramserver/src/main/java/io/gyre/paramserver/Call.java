package io.gyre.paramserver;

import io.gyre.memory.Region;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One question of a client to one server, from the thread that asks to the one that carries it, and back. */
final class Call {

    final ServerLink server;
    final Request request;

    /** What goes with the request, or where the data of the answer go; null if neither. */
    final @Nullable Region data;

    private final Thread asker = Thread.currentThread();
    private volatile @Nullable Answer answer;

    /** Of the thread that carries it. */
    long sentNanos;

    Call(ServerLink server, Request request, @Nullable Region data) {
        this.server = server;
        this.request = request;
        this.data = data;
    }

    @Nullable Answer answer() {
        return answer;
    }

    void finish(Answer own) {
        answer = own;
        LockSupport.unpark(asker);
    }

    /** What is asked, for errors. */
    @Override
    public String toString() {
        return request.operation()
                + (request.text().isEmpty() ? "" : " of '" + request.text() + "'")
                + (request.operation() == Operation.PUSH || request.operation() == Operation.PULL
                        ? " of step " + request.step()
                        : "")
                + " at " + server;
    }
}
