package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Pushes whose data lie in memory that the server shares with a client; rank 0 is on its host, rank 1 is not. */
class LeftPushesTest {

    private static final int ELEMENTS = 1_000;
    private static final int BYTES = 4 * ELEMENTS;

    private final SharedMemory memory = new SharedMemory();
    private final Listening answers = new Listening();
    private long calls;

    private static final class SharedMemory implements ShardTable.Source, StripedMemory.Guard {
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
            boxes.remove(freed.shared());
        }

        @Override
        public void pause() {}

        @Override
        public boolean hasGone(int rank) {
            return false;
        }
    }

    private static final class Listening implements FrameSender {
        private final List<Answer> all = new ArrayList<>();

        @Override
        public int maxPayload() {
            return 4096;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            return true;
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            all.add(Answer.decode(source, offset, frame.length()));
            return true;
        }

        private Answer last() {
            return all.get(all.size() - 1);
        }
    }

    private ShardServer server(MemoryBudget budget) {
        List<Integer> workers = List.of(0, 1);
        Training training = new Training(new AsynchronousParallel(), new GradientDescent(1));
        return new ShardServer(new ShardTable(0, 1, workers, training, budget, memory), workers, workers, Faults.NONE);
    }

    private Answer ask(ShardServer server, int rank, Request request, long sequence) {
        return ask(server, rank, request, 1, sequence);
    }

    private Answer ask(ShardServer server, int rank, Request request, long incarnation, long sequence) {
        ByteBuffer words = request.numbered(++calls, incarnation, sequence).encode();
        server.onFrame(rank, new Frame().set(Frame.Kind.REQUEST, calls, 0, Outgoing.WORDS, 0, words.limit()), words, 0);
        server.advance(rank, answers);
        return answers.last();
    }

    private Answer open(ShardServer server, int rank) {
        Operation operation = rank == 0 ? Operation.CREATE : Operation.ATTACH;
        Request request = Request.about(operation, "w").withRange(0, BYTES).withStep(4, 1, 0, 0, 0);
        return ask(server, rank, request, 0);
    }

    private static Request push(String box) {
        return Request.of(Operation.PUSH, 0)
                .withRange(0, BYTES)
                .withStep(0, 0, 0, 1, 0)
                .withText(box);
    }

    private StripedMemory box(String name) {
        StripedMemory found = memory.boxes.get(name);
        assertThat(found).as("box %s of %s", name, memory.boxes.keySet()).isNotNull();
        return found;
    }

    @Test
    void whoComesBackFindsWhatItHadMadeAndContinuesItsNumbersAndItsPredecessorIsRefused() {
        ShardServer server = server(new MemoryBudget(0, 1, 10L * BYTES));
        String before = open(server, 0).text().split(" ", -1)[1];
        assertThat(ask(server, 0, push(before), 1).failed()).isFalse();
        assertThat(ask(server, 0, push(before), 2).failed()).isFalse();

        server.takeBack(0);
        Request creation =
                Request.about(Operation.CREATE, "w").withRange(0, BYTES).withStep(4, 1, 0, 0, 0);
        Answer opened = ask(server, 0, creation, 2, 0);

        assertThat(opened.failed()).as(opened.text()).isFalse();
        assertThat(opened.sequence()).isEqualTo(2);
        assertThat(opened.version()).as("nothing is lost").isEqualTo(2);
        String place = opened.text().split(" ", -1)[1];
        assertThat(place).isNotEqualTo(before);
        assertThat(memory.boxes)
                .as("the place of its predecessor is given back")
                .doesNotContainKey(before);
        assertThat(ask(server, 0, push(place), 1, 3).text()).contains("after a change of its successor");
        assertThat(ask(server, 0, push(before), 2, 3).text()).contains("not where rank 0 leaves its pushes");
        assertThat(ask(server, 0, push(place), 2, 3).version()).isEqualTo(3);
        assertThat(ask(server, 1, creation, 2, 0).text())
                .as("another rank is no successor")
                .contains("already");
    }

    @Test
    void aPushThatIsLeftIsAppliedOnceHoweverOftenItIsAnnounced() {
        ShardServer server = server(new MemoryBudget(0, 1, 10L * BYTES));
        String[] names = open(server, 0).text().split(" ", -1);
        assertThat(names).hasSize(2);
        Region gradient = Region.allocate("gradient", BYTES);
        for (int i = 0; i < ELEMENTS; i++) {
            gradient.putFloat(4L * i, i);
        }
        box(names[1]).fill(gradient);

        assertThat(ask(server, 0, push(names[1]), 1).failed()).isFalse();
        assertThat(ask(server, 0, push(names[1]), 1).failed()).isFalse();

        assertThat(Vectors.get(ElementType.FLOAT32, box(names[0]).data(), 7)).isEqualTo(-7);
        ask(server, 0, push(names[1]), 2);
        assertThat(Vectors.get(ElementType.FLOAT32, box(names[0]).data(), ELEMENTS - 1))
                .isEqualTo(-2.0 * (ELEMENTS - 1));
    }

    @Test
    void aBoxThatIsNotTheClientsIsRefusedAndNothingHappens() {
        ShardServer server = server(new MemoryBudget(0, 1, 10L * BYTES));
        String[] names = open(server, 0).text().split(" ", -1);
        assertThat(open(server, 1).text()).doesNotContain(" ");

        for (int rank = 0; rank < 2; rank++) {
            for (String wrong : List.of("nowhere", names[0], names[1] + "1")) {
                Answer answer = ask(server, rank, push(wrong), 1);
                assertThat(answer.failed()).isTrue();
                assertThat(answer.text()).contains("'w'", "'" + wrong + "'", "rank " + rank);
            }
        }
        assertThat(ask(server, 1, push(names[1]), 1).failed()).isTrue();
        assertThat(ask(server, 0, push(names[1]).withRange(0, BYTES - 4), 1).failed())
                .isTrue();
        assertThat(ask(server, 0, Request.of(Operation.STALENESS, 0), 0).text()).startsWith("0 0 0 ");
    }

    @Test
    void thePlaceIsPaidForAndGivenBack() {
        MemoryBudget budget = new MemoryBudget(0, 1, 10L * BYTES);
        ShardServer server = server(budget);
        open(server, 0);
        open(server, 0);
        open(server, 1);
        assertThat(budget.taken()).isEqualTo(2L * BYTES);
        server.forget(0);
        assertThat(budget.taken()).isEqualTo(BYTES);
        assertThat(memory.boxes).hasSize(1);
        ask(server, 1, Request.of(Operation.FREE, 0), 0);
        assertThat(budget.taken()).isZero();
        assertThat(memory.boxes).isEmpty();
    }

    @Test
    void withoutRoomForItPushesAreSent() {
        ShardServer server = server(new MemoryBudget(0, 1, BYTES + 10));
        Answer answer = open(server, 0);
        assertThat(answer.failed()).isFalse();
        assertThat(answer.text()).isEqualTo("box-0");
    }
}
