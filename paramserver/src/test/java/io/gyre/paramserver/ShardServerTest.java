package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.paramserver.AskedServer.Replies;
import io.gyre.paramserver.Reply.Refused;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Workers 0 and 1 train a vector on it; rank 2 only makes requests. No rank shares memory with it. */
class ShardServerTest {

    private static final int ELEMENTS = 3_000;
    private static final int BYTES = 4 * ELEMENTS;
    private static final BufferSpec TRAINED = new BufferSpec("w", ElementType.FLOAT32, ELEMENTS, true);
    private static final BufferSpec PLAIN = new BufferSpec("box", ElementType.FLOAT32, ELEMENTS, false);
    private static final BufferSpec COUNTER = new BufferSpec("count", ElementType.FLOAT64, 1, false);

    private final MemoryBudget budget = new MemoryBudget(0, 1, 100L * BYTES);
    private final ShardServer server = server(new StaleSynchronous(1));
    private final AskedServer asked = new AskedServer(server);
    private int trained;
    private int plain;
    private int counter;

    private ShardServer server(Consistency consistency) {
        Training training = new Training(consistency, new GradientDescent(1));
        ShardTable table = new ShardTable(0, 1, List.of(0, 1), training, budget, new PrivateMemory());
        return new ShardServer(table, List.of(0, 1), List.of(0, 1, 2), Faults.NONE);
    }

    @BeforeEach
    void create() {
        trained = create(TRAINED);
        plain = create(PLAIN);
        counter = create(COUNTER);
    }

    private int create(BufferSpec spec) {
        return ((Reply.Opened) asked.ask(0, new Request.Create(spec, 0))).buffer();
    }

    private static ChangeId change(long sequence) {
        return new ChangeId(0, sequence);
    }

    private Request.SentPush push(long step) {
        return new Request.SentPush(trained, change(step + 1), new GradientOrigin(step, step, step, 1, 0));
    }

    private static Region ones(long bytes) {
        Region region = Region.allocate("ones", bytes);
        for (long at = 0; at < bytes; at += Float.BYTES) {
            region.putFloat(at, 1);
        }
        return region;
    }

    private static void assertRefused(Reply reply, String... words) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.reason()).contains(words));
    }

    static List<Request<?>> requests() {
        return ServerMessageCodecTest.messages().stream()
                .filter(Request.class::isInstance)
                .<Request<?>>map(Request.class::cast)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("requests")
    void everyRequestIsAnsweredOrRefused(Request<?> any) {
        Request<?> request = aboutAnExistingBuffer(any);

        Reply reply = request.carriesData() ? asked.ask(0, request, ones(BYTES)) : asked.ask(0, request);

        if (request instanceof Request.MappedPush) {
            assertRefused(reply, "rank 0 has no push box");
        } else if (request instanceof Request.EncodedPush) {
            assertRefused(reply, "started without one");
        } else if (request instanceof Request.ReadSlot || request instanceof Request.WriteSlot) {
            assertRefused(reply, "has an optimiser of 0 slots");
        } else {
            assertThat(reply).isInstanceOf(request.replyType());
        }
    }

    /** As {@code any}, changed so that this server can grant it at once. */
    private Request<?> aboutAnExistingBuffer(Request<?> any) {
        if (any instanceof Request.Create) {
            return new Request.Create(new BufferSpec("new", ElementType.FLOAT32, 1, false), 0);
        }
        if (any instanceof Request.Attach) {
            return new Request.Attach(PLAIN, 0);
        }
        if (any instanceof Request.FetchAndAdd) {
            return new Request.FetchAndAdd(counter, change(1), 1);
        }
        if (any instanceof Request.SentPush) {
            return push(0);
        }
        if (any instanceof Request.EncodedPush) {
            return new Request.EncodedPush(trained, change(1), push(0).origin());
        }
        if (any instanceof Request.MappedPush) {
            return new Request.MappedPush(trained, change(1), push(0).origin(), "box");
        }
        if (any instanceof Request.OfTraining<?> && any instanceof Request.Wait<?>) {
            return any instanceof Request.SentPull
                    ? new Request.SentPull(trained, 0)
                    : new Request.MappedPull(trained, 0);
        }
        if (any instanceof Request.Finish) {
            return new Request.Finish(trained);
        }
        if (any instanceof Request.Resume) {
            return new Request.Resume(trained, 0);
        }
        if (any instanceof Request.Rejoin) {
            return new Request.Rejoin(trained, 0);
        }
        if (any instanceof Request.CountStaleness) {
            return new Request.CountStaleness(trained);
        }
        if (any instanceof Request.ReadSlot) {
            return new Request.ReadSlot(trained, 0);
        }
        if (any instanceof Request.WriteSlot) {
            return new Request.WriteSlot(trained, change(1), 0);
        }
        if (any instanceof Request.CountFrom) {
            return new Request.CountFrom(trained, 9);
        }
        if (any instanceof Request.Write) {
            return new Request.Write(plain, change(1));
        }
        if (any instanceof Request.Accumulate) {
            return new Request.Accumulate(plain, change(1));
        }
        if (any instanceof Request.AwaitVersion) {
            return new Request.AwaitVersion(plain, 0);
        }
        return any instanceof Request.Free
                ? new Request.Free(plain)
                : any instanceof Request.Read ? new Request.Read(plain) : any;
    }

    @Test
    void aPushGoesFromTheFrameToTheParameters() {
        assertThat(asked.ask(0, push(0), ones(BYTES))).isEqualTo(new Reply.Applied(1));

        asked.send(2, new Request.Read(trained));
        Replies read = asked.receive(2);
        assertThat(read.last()).isEqualTo(new Reply.Content(1));
        assertThat(read.data.byteLength()).isEqualTo(BYTES);
        assertThat(read.data.getFloat(BYTES - 4)).isEqualTo(-1);
        assertThat(asked.ask(0, new Request.CountStaleness(trained)))
                .isEqualTo(new Reply.StalenessCounted(StalenessHistogramTest.of(0)));
    }

    @Test
    void aPushThatComesAgainIsAnsweredAgainAndNotApplied() {
        asked.ask(0, push(0), ones(BYTES));
        asked.ask(1, push(0), ones(BYTES));

        assertThat(asked.ask(0, push(0), ones(BYTES))).isEqualTo(new Reply.Applied(1));
        assertThat(asked.ask(2, new Request.Read(trained))).isEqualTo(new Reply.Content(2));
    }

    @Test
    void aStepBeginsWhenTheSlowestHasPushedOrIsLost() {
        asked.send(0, new Request.SentPull(trained, 2));
        asked.send(1, new Request.MappedPull(trained, 2));
        asked.ask(0, push(0), ones(BYTES));
        assertThat(server.waiting()).isEqualTo(2);

        asked.sendData(asked.announce(1, push(0), BYTES), 1, ones(BYTES));

        Replies sent = asked.receive(0);
        assertThat(sent.last()).isEqualTo(new Reply.StepGranted(2, 1));
        assertThat(sent.data.getFloat(0)).isEqualTo(-2);
        Replies mapped = asked.receive(1);
        assertThat(mapped.all).containsExactly(new Reply.Applied(2), new Reply.StepGranted(2, 1));
        assertThat(mapped.dataBytes).isZero();

        asked.send(0, new Request.MappedPull(trained, 5));
        assertThat(asked.receive(0).all).isEmpty();
        asked.ask(0, push(1), ones(BYTES));
        asked.ask(0, push(2), ones(BYTES));
        asked.ask(0, push(3), ones(BYTES));
        server.forget(1);
        assertThat(asked.receive(0).last()).isEqualTo(new Reply.StepGranted(5, 4));
    }

    @Test
    void aRequestWithOtherDataThanItTakesIsRefusedAndNothingHasChanged() {
        assertRefused(asked.ask(0, push(0), ones(BYTES - 4)), "'w'", "come " + BYTES + " bytes", "not " + (BYTES - 4));
        assertRefused(asked.ask(0, push(0)), "come " + BYTES + " bytes", "not 0");
        assertRefused(asked.ask(0, new Request.Read(plain), ones(8)), "'box'", "come 0 bytes", "not 8");
        assertRefused(asked.ask(0, new Request.Attach(PLAIN, 0), ones(8)), "attach of buffer 'box' takes no data", "8");
        assertRefused(
                asked.ask(0, new Request.MappedPush(trained, change(1), push(0).origin(), ""), ones(BYTES)),
                "come 0 bytes");

        assertThat(asked.ask(0, new Request.Read(trained))).isEqualTo(new Reply.Content(0));
        assertThat(asked.ask(0, push(0), ones(BYTES))).isEqualTo(new Reply.Applied(1));
    }

    @Test
    void aRequestThatTheBufferIsNotForIsRefused() {
        assertRefused(
                asked.ask(0, new Request.SentPull(plain, 0)), "'box'", "no parameters in training", "pull of step 0");
        assertRefused(asked.ask(0, new Request.Finish(plain)), "no parameters in training");
        assertRefused(
                asked.ask(0, new Request.Accumulate(trained, change(1)), ones(BYTES)), "'w'", "changed by pushes only");
        assertRefused(asked.ask(0, new Request.FetchAndAdd(plain, change(1), 1)), "'box'", "is no counter", "FLOAT64");
        assertRefused(asked.ask(0, new Request.Read(77)), "buffer number 77 does not exist any more");
    }

    @Test
    void onlyLeadsOfGroupsTrain() {
        assertRefused(asked.ask(2, push(0), ones(BYTES)), "'w'", "leads of groups", "push of step 0");
        assertRefused(asked.ask(2, new Request.SentPull(trained, 0)), "leads of groups");
        assertThat(asked.ask(2, new Request.Read(trained))).isEqualTo(new Reply.Content(0));
    }

    @Test
    void aRequestThatComesTwiceCreatesOneBufferAndWhoCreatesItAgainIsRefused() {
        Request.Create create = new Request.Create(new BufferSpec("once", ElementType.FLOAT32, 8, false), 0);
        long call = asked.send(0, create);
        asked.repeat(call, 0, create, 0);
        Replies replies = asked.receive(0);
        assertThat(replies.all).hasSize(2).allSatisfy(reply -> assertThat(reply).isEqualTo(replies.all.get(0)));
        assertThat(replies.last()).isInstanceOf(Reply.Opened.class);

        assertRefused(asked.ask(0, create), "a buffer 'once'", "already: attach it");
        assertRefused(asked.ask(1, create), "a buffer 'once'", "already");
    }

    @Test
    void aNewRequestTakesThePlaceOfOneWhoseDataHaveNotAllCome() {
        long interrupted = asked.announce(0, new Request.Write(plain, change(1)), BYTES);
        asked.sendData(interrupted, 0, ones(BYTES).slice(0, 2 * AskedServer.MAX_PAYLOAD));
        assertThat(asked.ask(0, new Request.Read(plain))).isEqualTo(new Reply.Content(0));

        asked.sendData(
                interrupted, 0, ones(BYTES).slice(2 * AskedServer.MAX_PAYLOAD, BYTES - 2L * AskedServer.MAX_PAYLOAD));

        assertThat(asked.receive(0).all).as("what is left of it is nobody's").isEmpty();
        assertThat(asked.ask(0, new Request.Write(plain, change(1)), ones(BYTES)))
                .isEqualTo(new Reply.Applied(1));
    }

    @Test
    void whoWaitsForABufferOrSendsToItHearsThatItWasFreed() {
        asked.send(1, new Request.AwaitVersion(plain, 5));
        asked.send(2, new Request.Read(plain));
        long write = asked.announce(0, new Request.Write(plain, change(1)), BYTES);

        assertThat(asked.ask(1, new Request.Free(plain))).isEqualTo(new Reply.Done());
        assertThat(asked.ask(1, new Request.Free(plain))).as("a copy of it").isEqualTo(new Reply.Done());

        assertThat(asked.receive(2).all)
                .as("a reply that reads from it is dropped")
                .isEmpty();
        asked.sendData(write, 0, ones(BYTES));
        assertRefused(asked.receive(0).last(), "freed while data for it came");
        assertRefused(asked.ask(2, new Request.Read(plain)), "it was freed");
        assertThat(server.waiting()).isZero();
    }

    @Test
    void whatAClientHadIsGivenBackWhenItLeaves() {
        long before = budget.taken();
        asked.announce(2, new Request.Write(plain, change(1)), BYTES);
        asked.send(2, new Request.AwaitVersion(plain, 5));
        assertThat(budget.taken()).isEqualTo(before + BYTES);

        assertThat(asked.ask(2, new Request.Leave())).isEqualTo(new Reply.Done());

        assertThat(budget.taken()).isEqualTo(before);
        assertThat(server.waiting()).isZero();
        asked.send(2, new Request.Read(plain));
        assertThat(asked.receive(2).all).as("who has left is not answered").isEmpty();
    }

    @Test
    void itIsDoneWhenAllHaveLeftAndHaveTheirLastReplies() {
        for (int rank = 0; rank < 3; rank++) {
            assertThat(server.isDone()).isFalse();
            asked.send(rank, new Request.Leave());
            assertThat(server.isDone()).isFalse();
            asked.receive(rank);
        }
        assertThat(server.isDone()).isTrue();
    }
}
