package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Pushes through memory that the server shares with a client; rank 0 is on its host, rank 1 is not. */
class PushBoxesTest {

    private static final int ELEMENTS = 1_000;
    private static final int BYTES = 4 * ELEMENTS;

    private final SharedMemory memory = new SharedMemory();

    private static final class SharedMemory implements ShardTable.Allocator, StripeLocks.Guard {
        private final Map<String, StripedMemory> boxes = new HashMap<>();
        private int made;

        @Override
        public StripedMemory allocate(String purpose, long bytes, boolean shared) {
            String name = "box-" + made++;
            Region whole = Region.allocate(purpose, StripedMemory.wholeBytes(bytes));
            StripedMemory box = new StripedMemory(whole, bytes, name, 2, this);
            boxes.put(name, box);
            return box;
        }

        @Override
        public boolean isNear(int rank) {
            return rank == 0;
        }

        @Override
        public void free(StripedMemory freed) {
            boxes.remove(freed.box());
        }

        @Override
        public void pause() {}

        @Override
        public boolean hasEnded(int rank) {
            return false;
        }
    }

    private AskedServer server(MemoryBudget budget) {
        List<Integer> workers = List.of(0, 1);
        Training training = new Training(new AsynchronousParallel(), new GradientDescent(1));
        ShardTable table = new ShardTable(0, 1, workers, training, budget, memory);
        return new AskedServer(new ShardServer(table, workers, workers, Faults.NONE));
    }

    private static Request.Open creation(long incarnation) {
        return new Request.Create(new BufferSpec("w", ElementType.FLOAT32, ELEMENTS, true), incarnation);
    }

    private static Reply.Opened open(AskedServer server, int rank) {
        Request.Open request =
                rank == 0 ? creation(1) : new Request.Attach(creation(1).spec(), 1);
        return (Reply.Opened) server.ask(rank, request);
    }

    private static Request.MappedPush push(String box, long incarnation, long sequence) {
        return new Request.MappedPush(0, new ChangeId(incarnation, sequence), new GradientOrigin(0, 0, 0, 1, 0), box);
    }

    private StripedMemory box(String name) {
        StripedMemory found = memory.boxes.get(name);
        assertThat(found).as("box %s of %s", name, memory.boxes.keySet()).isNotNull();
        return found;
    }

    private static void assertRefused(Reply reply, String... words) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        Reply.Refused.class,
                        refused -> assertThat(refused.reason()).contains(words));
    }

    @Test
    void aRestartedWorkerFindsWhatItHadCreatedAndContinuesItsNumbersAndItsPredecessorIsRefused() {
        AskedServer server = server(new MemoryBudget(0, 1, 10L * BYTES));
        String before = open(server, 0).pushBox();
        assertThat(server.ask(0, push(before, 1, 1))).isEqualTo(new Reply.Applied(1));
        assertThat(server.ask(0, push(before, 1, 2))).isEqualTo(new Reply.Applied(2));

        server.server.restarted(0);
        Reply.Opened opened = (Reply.Opened) server.ask(0, creation(2));

        assertThat(opened.lastChange()).isEqualTo(2);
        assertThat(opened.version()).as("nothing is lost").isEqualTo(2);
        String now = opened.pushBox();
        assertThat(now).isNotEmpty().isNotEqualTo(before);
        assertThat(memory.boxes)
                .as("the push box of its predecessor is given back")
                .doesNotContainKey(before);
        assertRefused(server.ask(0, push(now, 1, 3)), "change 3 of process 1 of rank 0", "restart of that rank");
        assertRefused(server.ask(0, push(before, 2, 3)), "rank 0 has no push box", "'" + now + "'");
        assertThat(server.ask(0, push(now, 2, 3))).isEqualTo(new Reply.Applied(3));
        assertRefused(server.ask(1, creation(2)), "already");
    }

    @Test
    void aMappedPushIsAppliedOnceHoweverOftenItComes() {
        AskedServer server = server(new MemoryBudget(0, 1, 10L * BYTES));
        Reply.Opened opened = open(server, 0);
        Region gradient = Region.allocate("gradient", BYTES);
        for (int i = 0; i < ELEMENTS; i++) {
            gradient.putFloat(4L * i, i);
        }
        box(opened.pushBox()).fill(gradient);

        assertThat(server.ask(0, push(opened.pushBox(), 1, 1))).isEqualTo(new Reply.Applied(1));
        assertThat(server.ask(0, push(opened.pushBox(), 1, 1))).isEqualTo(new Reply.Applied(1));

        Region shard = box(opened.shardBox()).data();
        assertThat(Vectors.get(ElementType.FLOAT32, shard, 7)).isEqualTo(-7);
        server.ask(0, push(opened.pushBox(), 1, 2));
        assertThat(Vectors.get(ElementType.FLOAT32, shard, ELEMENTS - 1)).isEqualTo(-2.0 * (ELEMENTS - 1));
    }

    @Test
    void aBoxThatIsNotTheClientsIsRefusedAndNothingHappens() {
        AskedServer server = server(new MemoryBudget(0, 1, 10L * BYTES));
        Reply.Opened opened = open(server, 0);
        assertThat(open(server, 1).pushBox()).isEmpty();

        for (int rank = 0; rank < 2; rank++) {
            for (String wrong : List.of("nowhere", opened.shardBox(), opened.pushBox() + "1")) {
                assertRefused(server.ask(rank, push(wrong, 1, 1)), "'w'", wrong, "rank " + rank);
            }
        }
        assertRefused(server.ask(1, push(opened.pushBox(), 1, 1)), "rank 1");
        assertThat(server.ask(0, new Request.CountStaleness(0)))
                .isEqualTo(new Reply.StalenessCounted(StalenessHistogram.EMPTY));
    }

    @Test
    void aPushBoxIsPaidForAndGivenBack() {
        MemoryBudget budget = new MemoryBudget(0, 1, 10L * BYTES);
        AskedServer server = server(budget);
        long call = server.send(0, creation(1));
        server.repeat(call, 0, creation(1), 0);
        open(server, 1);
        assertThat(budget.taken()).isEqualTo(2L * BYTES);
        server.server.forget(0);
        assertThat(budget.taken()).isEqualTo(BYTES);
        assertThat(memory.boxes).hasSize(1);
        server.ask(1, new Request.Free(0));
        assertThat(budget.taken()).isZero();
        assertThat(memory.boxes).isEmpty();
    }

    @Test
    void withoutRoomForItPushesAreSent() {
        AskedServer server = server(new MemoryBudget(0, 1, BYTES + 10));

        assertThat(open(server, 0)).isEqualTo(new Reply.Opened(0, 0, 0, "box-0", ""));
    }
}
