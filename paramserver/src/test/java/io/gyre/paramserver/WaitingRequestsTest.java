package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WaitingRequestsTest {

    private static final int BUFFER = 3;

    private final MemoryBudget budget = new MemoryBudget(0, 1, 0);
    private final ClientLink one = new ClientLink(1, 0, budget, Faults.NONE);
    private final ClientLink other = new ClientLink(2, 1, budget, Faults.NONE);
    private final WaitingRequests waiting = new WaitingRequests();
    private final List<Long> tried = new ArrayList<>();

    /** Tries all, and answers those of these calls. */
    private void retry(Long... due) {
        tried.clear();
        waiting.retry((client, call, request) -> {
            tried.add(call);
            return Set.of(due).contains(call);
        });
    }

    private static List<Reply> replies(ClientLink client) {
        AskedServer.Replies replies = new AskedServer.Replies();
        client.advance(replies, true);
        return replies.all;
    }

    @Test
    void thoseThatAreAnsweredAreGoneAndTheOthersKeepTheirOrder() {
        waiting.add(one, 10, new Request.AwaitVersion(BUFFER, 1));
        waiting.add(other, 11, new Request.SentPull(BUFFER, 1));
        waiting.add(one, 12, new Request.MappedPull(BUFFER, 1));

        retry(11L);
        assertThat(tried).containsExactly(10L, 11L, 12L);
        retry(10L, 12L);
        assertThat(tried).containsExactly(10L, 12L);
        assertThat(waiting.size()).isZero();
    }

    @Test
    void aNewRequestReplacesTheOneBeforeOfItsKindClientAndBuffer() {
        waiting.add(one, 10, new Request.AwaitVersion(BUFFER, 1));
        waiting.add(one, 11, new Request.AwaitVersion(BUFFER, 2));
        assertThat(waiting.size()).isEqualTo(1);

        waiting.add(one, 12, new Request.SentPull(BUFFER, 1));
        waiting.add(one, 13, new Request.AwaitVersion(BUFFER + 1, 2));
        waiting.add(other, 14, new Request.AwaitVersion(BUFFER, 2));

        retry();
        assertThat(tried).containsExactly(11L, 12L, 13L, 14L);
    }

    @Test
    void thoseOfAClientThatIsGoneAreForgotten() {
        waiting.add(one, 10, new Request.AwaitVersion(BUFFER, 1));
        waiting.add(other, 11, new Request.AwaitVersion(BUFFER, 1));

        waiting.forget(one);

        retry();
        assertThat(tried).containsExactly(11L);
        assertThat(one.hasReplies()).isFalse();
    }

    @Test
    void thoseAboutAFreedBufferAreRefusedWithTheReason() {
        waiting.add(one, 10, new Request.AwaitVersion(BUFFER, 1));
        waiting.add(other, 11, new Request.AwaitVersion(BUFFER + 1, 1));

        waiting.refuse(BUFFER, "it was freed");

        assertThat(replies(one)).containsExactly(new Reply.Refused("it was freed"));
        assertThat(other.hasReplies()).isFalse();
        assertThat(waiting.size()).isEqualTo(1);
    }
}
