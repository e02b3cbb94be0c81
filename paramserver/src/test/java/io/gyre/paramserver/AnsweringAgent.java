package io.gyre.paramserver;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The agent of a service whose servers' replies a test makes up. */
final class AnsweringAgent extends TaskAgent {

    /** The calls that were carried. */
    final List<Call<?>> asked = new CopyOnWriteArrayList<>();

    private final Function<Request<?>, @Nullable Reply> replies;

    /**
     * Creates an agent.
     *
     * @param replies the reply to a request; null leaves it without one
     */
    AnsweringAgent(Function<Request<?>, @Nullable Reply> replies) {
        this.replies = replies;
    }

    /** The requests that were carried. */
    List<Request<?>> requests() {
        return asked.stream().<Request<?>>map(Call::request).toList();
    }

    @Override
    public void ask(Call<?> call) {
        execute(() -> {
            asked.add(call);
            Reply reply = replies.apply(call.request());
            if (reply != null) {
                call.finish(reply);
            }
        });
    }
}
