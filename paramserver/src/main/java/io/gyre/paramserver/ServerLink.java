package io.gyre.paramserver;

import io.gyre.Member;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A client's connection to one server. All but {@link #nextCall} is for the thread that carries its calls. */
final class ServerLink {

    private final int index;
    private final int servers;
    private final boolean alsoWorks;
    private final Member server;
    private final AtomicLong calls = new AtomicLong();
    private final Map<Long, Call> open = new HashMap<>();
    private final Deque<Outgoing> requests = new ArrayDeque<>();
    private @Nullable Call arriving;
    private @Nullable Answer arrivingAnswer;
    private long arrived;

    /**
     * Prepares a connection.
     *
     * @param alsoWorks whether the server's rank is a worker, too
     */
    ServerLink(int index, int servers, boolean alsoWorks, Member server) {
        this.index = index;
        this.servers = servers;
        this.alsoWorks = alsoWorks;
        this.server = server;
    }

    int index() {
        return index;
    }

    Member server() {
        return server;
    }

    /** Number for a question that no other one has. */
    long nextCall() {
        return calls.incrementAndGet();
    }

    /** Begins to ask. */
    void ask(Call call, Faults faults) {
        open.put(call.request.call(), call);
        enqueue(call, faults);
    }

    private void enqueue(Call call, Faults faults) {
        call.sentNanos = System.nanoTime();
        for (int copies = faults.copies(); copies > 0; copies--) {
            requests.add(new Outgoing(
                    Frame.Kind.REQUEST,
                    call.request.call(),
                    call.request.encode(),
                    call.request.operation().carriesData() ? call.data : null,
                    0,
                    call.request.length()));
        }
    }

    /** Sends what the link takes now, and asks again what has not been answered in time. Returns how many frames were sent. */
    int advance(FrameSender sender, long retryNanos, Faults faults) {
        int frames = 0;
        for (Outgoing next = requests.peek(); next != null; next = requests.peek()) {
            if (!open.containsKey(next.call())) {
                // Answered meanwhile, so that nobody needs this copy; its data may have changed.
                requests.remove();
                continue;
            }
            frames += next.advance(sender);
            if (!next.isSent()) {
                return frames;
            }
            requests.remove();
        }
        long now = System.nanoTime();
        for (Call call : open.values()) {
            if (now - call.sentNanos > retryNanos) {
                enqueue(call, faults);
            }
        }
        return frames;
    }

    /** Takes a frame of the server. */
    boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        if (frame.chunk() == Outgoing.WORDS) {
            arriving = null;
            Answer answer = Answer.decode(payload, offset, frame.length());
            Call call = open.get(answer.call());
            if (call == null) {
                return true;
            }
            if (answer.dataBytes() == 0) {
                finish(call, answer);
            } else {
                arriving = call;
                arrivingAnswer = answer;
                arrived = 0;
            }
            return true;
        }
        Call call = arriving;
        Answer answer = arrivingAnswer;
        if (call == null || answer == null || call.data == null || call.request.call() != frame.step()) {
            return true;
        }
        call.data.copyFrom(arrived, payload, offset, frame.length());
        arrived += frame.length();
        if (arrived == answer.dataBytes()) {
            arriving = null;
            finish(call, answer);
        }
        return true;
    }

    private void finish(Call call, Answer answer) {
        open.remove(answer.call());
        call.finish(answer);
    }

    /** Whether an answer is awaited. */
    boolean isBusy() {
        return !open.isEmpty() || !requests.isEmpty();
    }

    /** What the server does, for errors. */
    String role() {
        return "the server of shard " + index + " of " + servers;
    }

    /** What it means that the server is gone, for errors. */
    String lossInWords() {
        return "it was " + role()
                + (alsoWorks ? ", which is lost with it; only servers of their own let a run outlive its workers" : "");
    }

    /** The server, for errors. */
    @Override
    public String toString() {
        return role() + ", " + server;
    }
}
