package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ServerLinkTest {

    private static final int BYTES = 1_000;
    private static final long NEVER = Long.MAX_VALUE;
    private static final long AT_ONCE = -1;

    private final ServerLink link = new ServerLink(1, 2, false, new Member(5, "host", 77), System::nanoTime);
    private final ServerMessageCodec codec = new ServerMessageCodec();
    private final Sent sent = new Sent();

    /** Records what was sent; accepts as many frames as it has room for. */
    private static final class Sent implements FrameSender {
        private final List<Request<?>> requests = new ArrayList<>();
        private final List<Long> calls = new ArrayList<>();
        private int room = Integer.MAX_VALUE;
        private long dataBytes;

        @Override
        public int maxPayload() {
            return 400;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            if (room == 0) {
                return false;
            }
            room--;
            dataBytes += frame.length();
            return true;
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            if (room == 0) {
                return false;
            }
            room--;
            requests.add(ServerMessageCodec.decodeRequest(source, offset, frame.length()));
            calls.add(frame.step());
            return true;
        }
    }

    private <R extends Reply> Call<R> ask(Request<R> request, @Nullable Region data) {
        Call<R> call = new Call<>(link, link.nextCall(), request, data);
        link.ask(call, Faults.NONE);
        return call;
    }

    private void reply(Call<?> call, Reply reply, long dataBytes) {
        ByteBuffer words = codec.encode(reply);
        link.onFrame(
                new Frame().set(Frame.Kind.RESPONSE, call.number(), 0, Outgoing.WORDS, dataBytes, words.limit()),
                words,
                0);
    }

    private void replyData(Call<?> call, Region data, int from, int to) {
        Frame frame =
                new Frame().set(Frame.Kind.RESPONSE, call.number(), 0, Outgoing.DATA, data.byteLength(), to - from);
        link.onFrame(frame, data.window(from), data.windowOffset(from));
    }

    @Test
    void aRequestGoesOutWithItsDataAsFastAsTheLinkTakesThem() {
        Call<Reply.Applied> call = ask(new Request.Write(0, new ChangeId(0, 1)), Region.allocate("values", BYTES));
        sent.room = 2;

        assertThat(link.advance(sent, NEVER, Faults.NONE)).isEqualTo(2);
        assertThat(sent.requests).containsExactly(call.request());
        assertThat(sent.dataBytes).isEqualTo(400);

        sent.room = 10;
        assertThat(link.advance(sent, NEVER, Faults.NONE)).isEqualTo(2);
        assertThat(sent.dataBytes).isEqualTo(BYTES);
        assertThat(link.isBusy()).isTrue();

        reply(call, new Reply.Applied(3), 0);
        assertThat(call.reply(0)).isEqualTo(new Reply.Applied(3));
        assertThat(link.isBusy()).isFalse();
    }

    @Test
    void aReplyWithDataIsThereWhenTheLastOfThemHasCome() {
        Region into = Region.allocate("into", BYTES);
        Region data = Region.allocate("data", BYTES);
        data.putFloat(BYTES - 4, 9);
        Call<Reply.Content> call = ask(new Request.Read(0), into);
        link.advance(sent, NEVER, Faults.NONE);

        reply(call, new Reply.Content(1), BYTES);
        replyData(call, data, 0, 600);
        assertThat(call.isFinished()).isFalse();
        replyData(call, data, 600, BYTES);

        assertThat(call.reply(0)).isEqualTo(new Reply.Content(1));
        assertThat(into.getFloat(BYTES - 4)).isEqualTo(9);
    }

    @Test
    void aReplyThatComesAgainInTheMiddleOfItsDataBeginsAnew() {
        Region into = Region.allocate("into", BYTES);
        Region data = Region.allocate("data", BYTES);
        data.putFloat(0, 9);
        Call<Reply.Content> call = ask(new Request.Read(0), into);
        reply(call, new Reply.Content(1), BYTES);
        replyData(call, data, 0, 600);
        reply(call, new Reply.Content(2), BYTES);
        replyData(call, data, 0, 600);
        replyData(call, data, 600, BYTES);

        assertThat(call.reply(0)).isEqualTo(new Reply.Content(2));
        assertThat(into.getFloat(0)).isEqualTo(9);
    }

    @Test
    void aSecondReplyIsDropped() {
        Call<Reply.Done> call = ask(new Request.Free(0), null);
        Call<Reply.Applied> next = ask(new Request.Write(0, new ChangeId(0, 1)), Region.allocate("values", BYTES));
        reply(call, new Reply.Done(), 0);
        reply(call, new Reply.Refused("it comes too late"), 0);

        assertThat(call.reply(0)).isEqualTo(new Reply.Done());
        assertThat(next.isFinished()).isFalse();
    }

    @Test
    void whatIsNotAnsweredInTimeIsSentAgainAndACopyOfWhatIsAnsweredIsNot() {
        Call<Reply.Done> call = ask(new Request.Leave(), null);
        link.advance(sent, AT_ONCE, Faults.NONE);
        link.advance(sent, NEVER, Faults.NONE);
        assertThat(sent.calls).containsExactly(call.number(), call.number());

        link.advance(sent, AT_ONCE, Faults.NONE);
        reply(call, new Reply.Done(), 0);
        link.advance(sent, NEVER, Faults.NONE);

        assertThat(sent.calls).hasSize(2);
        assertThat(link.isBusy()).isFalse();
    }

    @Test
    void dataThatNobodyAskedForAreAnError() {
        Call<Reply.Content> read = ask(new Request.Read(0), Region.allocate("into", BYTES));
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> reply(read, new Reply.Content(1), BYTES + 4))
                .withMessageContainingAll("read at the server of shard 1 of 2", "1004 bytes", "'into'");

        Call<Reply.Applied> write = ask(new Request.Write(0, new ChangeId(0, 1)), Region.allocate("from", BYTES));
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> reply(write, new Reply.Applied(1), BYTES))
                .withMessageContainingAll("write at the server of shard 1 of 2", "did not ask for");
    }

    @Test
    void moreDataThanAnnouncedAreAnError() {
        Call<Reply.Content> call = ask(new Request.Read(0), Region.allocate("into", BYTES));
        Region data = Region.allocate("data", 2 * BYTES);
        reply(call, new Reply.Content(1), BYTES);
        replyData(call, data, 0, 600);

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> replyData(call, data, 600, BYTES + 4))
                .withMessageContainingAll("read at the server of shard 1 of 2", "1004 bytes", "1000 were announced");
    }

    @Test
    void aRefusalAndAReplyOfAnotherTypeFailAtTheCaller() {
        Call<Reply.StepGranted> refused = ask(new Request.MappedPull(0, 8), null);
        reply(refused, new Reply.Refused("it was freed"), 0);
        assertThatExceptionOfType(GyreException.class)
                .isThrownBy(() -> refused.reply(3))
                .withMessageContainingAll("rank 3", "pull of step 8", "shard 1 of 2", "rank 5", "it was freed");

        Call<Reply.StepGranted> other = ask(new Request.MappedPull(0, 8), null);
        reply(other, new Reply.Applied(1), 0);
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> other.reply(3))
                .withMessageContainingAll("rank 3", "pull of step 8", "Applied");
    }
}
