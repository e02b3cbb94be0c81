package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import org.junit.jupiter.api.Test;

class ClientLinkTest {

    private static final int BYTES = 1_000;
    private static final Request.Change<?> WRITE = new Request.Write(0, new ChangeId(0, 1));

    private final MemoryBudget budget = new MemoryBudget(0, 1, 2 * BYTES);
    private final ClientLink client = new ClientLink(4, 0, budget, Faults.NONE);
    private final Region data = Region.allocate("data", BYTES);

    private Request.Change<?> send(long call, int from, int to) {
        Frame frame = new Frame().set(Frame.Kind.REQUEST, call, 0, Outgoing.DATA, BYTES, to - from);
        return client.receive(frame, data.window(from), data.windowOffset(from));
    }

    @Test
    void aChangeIsCompleteWithTheLastOfItsData() {
        data.putFloat(0, 1);
        data.putFloat(BYTES - 4, 2);
        assertThat(client.expect(7, WRITE, BYTES)).isNull();

        assertThat(send(7, 0, 400)).isNull();
        assertThat(send(6, 400, 800)).as("of another call").isNull();
        assertThat(send(7, 400, BYTES)).isSameAs(WRITE);

        assertThat(client.received().byteLength()).isEqualTo(BYTES);
        assertThat(client.received().getFloat(0)).isEqualTo(1);
        assertThat(client.received().getFloat(BYTES - 4)).isEqualTo(2);
        assertThat(send(7, 0, 400)).as("a copy").isNull();
    }

    @Test
    void aShorterChangeUsesThePlaceOfALongerOne() {
        client.expect(7, WRITE, BYTES);
        send(7, 0, BYTES);
        assertThat(client.expect(8, WRITE, 400)).isNull();

        assertThat(send(8, 0, 400)).isSameAs(WRITE);

        assertThat(client.received().byteLength()).isEqualTo(400);
        assertThat(budget.taken()).isEqualTo(BYTES);
    }

    @Test
    void aChangeForWhichThereIsNoRoomIsNotTaken() {
        assertThat(client.expect(7, WRITE, 3 * BYTES)).contains("no room for a change of client rank 4", "3000 bytes");

        assertThat(send(7, 0, BYTES)).isNull();
        assertThat(budget.taken()).isZero();
    }

    @Test
    void moreDataThanAnnouncedAreAnError() {
        client.expect(7, WRITE, 600);
        send(7, 0, 400);

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> send(7, 400, 800))
                .withMessageContainingAll("rank 4", "800 bytes", "write", "600");
    }

    @Test
    void repliesBeyondTheBoundAreDropped() {
        for (int call = 0; call < 100; call++) {
            client.reply(call, new Reply.Done());
        }
        AskedServer.Replies replies = new AskedServer.Replies();
        client.advance(replies, true);

        assertThat(replies.calls).hasSize(ClientLink.MOST_REPLIES).startsWith(0L, 1L, 2L);
        assertThat(client.hasReplies()).isFalse();
    }

    @Test
    void acknowledgementsEndBeforeTheFirstReplyWithData() {
        client.reply(1, new Reply.Applied(1));
        client.reply(2, new Reply.Content(1), data);
        client.reply(3, new Reply.Applied(2));
        AskedServer.Replies replies = new AskedServer.Replies();

        client.advance(replies, false);
        assertThat(replies.calls).containsExactly(1L);

        client.advance(replies, true);
        assertThat(replies.calls).containsExactly(1L, 2L, 3L);
        assertThat(replies.dataBytes).isEqualTo(BYTES);
    }

    @Test
    void repliesThatReadFromMemoryThatGoesAreDropped() {
        client.reply(1, new Reply.Content(1), data);
        client.reply(2, new Reply.Done());

        client.dropRepliesFrom(data);

        AskedServer.Replies replies = new AskedServer.Replies();
        client.advance(replies, true);
        assertThat(replies.calls).containsExactly(2L);
    }
}
