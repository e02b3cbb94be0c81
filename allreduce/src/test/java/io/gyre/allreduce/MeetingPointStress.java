package io.gyre.allreduce;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The invariants of {@link MeetingPoint}, for jcstress: two ranks, which are threads, meet several times in new memory.
 * {@link MeetingPointStressTest} runs it.
 */
public final class MeetingPointStress {

    private static final int ROUNDS = 6;

    private MeetingPointStress() {}

    /** Data that were written before a meeting are seen after it, and stay until the reader begins the next. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Both ranks saw the data of every round.")
    @Outcome(expect = FORBIDDEN, desc = "A rank missed data of its peer, or saw those of another round.")
    @State
    public static class PublishedData {

        /** The first and the last word of a slot. */
        private static final int[] WORDS = {0, MeetingPoint.SLOT_BYTES - Long.BYTES};

        private final Host host = new Host();

        @Actor
        public void first(II_Result wrong) {
            wrong.r1 = meet(0);
        }

        @Actor
        public void second(II_Result wrong) {
            wrong.r2 = meet(1);
        }

        private int meet(int rank) {
            MeetingPoint meeting = host.meeting(rank);
            int wrong = 0;
            for (long round = 1; round <= ROUNDS; round++) {
                for (int word : WORDS) {
                    meeting.slot().putLong(meeting.nextSlotOffset() + word, 2 * round + rank);
                }
                begin(meeting, MeetingPoint.Call.SHORT_ALL_REDUCE, round);
                meeting.awaitBegun();
                for (int word : WORDS) {
                    long seen = meeting.slot(1 - rank).getLong(meeting.slotOffset() + word);
                    wrong += seen == 2 * round + 1 - rank ? 0 : 1;
                }
            }
            return wrong;
        }
    }

    /**
     * Sums of two vectors of two elements, in place: rank r writes element r of both vectors. Nobody writes before all
     * have begun, and nobody returns before all have finished.
     */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Both ranks had the sums of every round.")
    @Outcome(expect = FORBIDDEN, desc = "A rank returned too early, or its vector was changed too early or too late.")
    @State
    public static class SumsInPlace {

        private final Host host = new Host();
        private final long[][] vectors = new long[2][2];

        @Actor
        public void first(II_Result wrong) {
            wrong.r1 = sum(0);
        }

        @Actor
        public void second(II_Result wrong) {
            wrong.r2 = sum(1);
        }

        private int sum(int rank) {
            MeetingPoint meeting = host.meeting(rank);
            long[] own = vectors[rank];
            int wrong = 0;
            for (long round = 1; round <= ROUNDS; round++) {
                own[0] = own[1] = round * (rank + 1);
                begin(meeting, MeetingPoint.Call.ALL_REDUCE, round);
                meeting.awaitBegun();
                long sum = vectors[0][rank] + vectors[1][rank];
                vectors[0][rank] = sum;
                vectors[1][rank] = sum;
                meeting.finish();
                wrong += own[0] == 3 * round && own[1] == 3 * round ? 0 : 1;
            }
            return wrong;
        }
    }

    /** A rank leaves a meeting when its peer has begun it, and before the peer can begin the one after the next. */
    @JCStressTest
    @Outcome(
            id = {"0, 0", "0, 1", "1, 0", "1, 1"},
            expect = ACCEPTABLE,
            desc = "The peer was at most one round ahead.")
    @Outcome(expect = FORBIDDEN, desc = "A rank did not wait for its peer.")
    @State
    public static class Progress {

        private static final int NOT_BEGUN = -1;

        private final Host host = new Host();
        private final AtomicIntegerArray begun = new AtomicIntegerArray(2);

        @Actor
        public void first(II_Result ahead) {
            ahead.r1 = mostAhead(0);
        }

        @Actor
        public void second(II_Result ahead) {
            ahead.r2 = mostAhead(1);
        }

        /** The most rounds that the peer was seen ahead. */
        private int mostAhead(int rank) {
            MeetingPoint meeting = host.meeting(rank);
            int most = 0;
            for (int round = 1; round <= ROUNDS; round++) {
                begun.setPlain(rank, round);
                begin(meeting, MeetingPoint.Call.BARRIER, round);
                meeting.awaitBegun();
                int ahead = begun.getPlain(1 - rank) - round;
                if (ahead < 0) {
                    return NOT_BEGUN;
                }
                most = Math.max(most, ahead);
            }
            return most;
        }
    }

    /** Ranks that meet for different operations both fail, and before they touch data. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Both ranks failed in the round in which they differed.")
    @Outcome(expect = FORBIDDEN, desc = "A rank noticed nothing, or compared different rounds.")
    @State
    public static class Disagreement {

        private static final int LAST = ROUNDS;

        private final Host host = new Host();

        @Actor
        public void first(II_Result failed) {
            failed.r1 = meet(0, MeetingPoint.Call.ALL_GATHER);
        }

        @Actor
        public void second(II_Result failed) {
            failed.r2 = meet(1, MeetingPoint.Call.BROADCAST);
        }

        private int meet(int rank, MeetingPoint.Call lastCall) {
            MeetingPoint meeting = host.meeting(rank);
            for (int round = 1; round < LAST; round++) {
                begin(meeting, MeetingPoint.Call.BARRIER, round);
                meeting.awaitBegun();
            }
            try {
                begin(meeting, lastCall, LAST);
                meeting.awaitBegun();
                return 0;
            } catch (DisagreementException e) {
                return 1;
            }
        }
    }

    /** The second rank is lost after its first meeting: the first rank's wait in the next one ends. */
    @JCStressTest
    @Outcome(
            id = {"0, 1", "1, 1"},
            expect = ACCEPTABLE,
            desc = "The first rank met the second at most once.")
    @Outcome(expect = FORBIDDEN, desc = "A rank met one that did not come.")
    @State
    public static class Loss {

        private final Host host = new Host();

        @Actor
        public void first(II_Result met) {
            MeetingPoint meeting = host.meeting(0);
            try {
                for (int round = 1; round <= ROUNDS; round++) {
                    begin(meeting, MeetingPoint.Call.BARRIER, round);
                    meeting.awaitBegun();
                    met.r1++;
                }
            } catch (PeerLostException e) {
                // Expected: the result tells after how many meetings.
            }
        }

        @Actor
        public void second(II_Result met) {
            MeetingPoint meeting = host.meeting(1);
            begin(meeting, MeetingPoint.Call.BARRIER, 1);
            meeting.awaitBegun();
            met.r2 = 1;
            host.loseSecond();
        }
    }

    /** Begins an operation that both ranks describe alike if they are in the same round. */
    private static void begin(MeetingPoint meeting, MeetingPoint.Call call, long round) {
        meeting.begin(call, ElementType.FLOAT32, ReduceOp.SUM, 100 * round, 1, round);
    }

    /** Two ranks that share memory; both meeting points exist before either is used. */
    private static final class Host {

        private static final Duration PATIENCE = Duration.ofSeconds(20);

        private final Member secondRank = new Member(1, "here", 1);
        private final MemoryBox[] boxes = new MemoryBox[2];
        private final MeetingPoint[] meetings = {new MeetingPoint(new Waiting(0)), new MeetingPoint(new Waiting(1))};
        private volatile boolean secondLost;

        MeetingPoint meeting(int rank) {
            MeetingPoint meeting = meetings[rank];
            meeting.start("stress", 0, 0);
            return meeting;
        }

        void loseSecond() {
            secondLost = true;
        }

        /** One rank's endpoint, with nothing but shared memory and a way to wait. */
        private final class Waiting implements Endpoint, MemoryBoxes {

            private final World world;

            Waiting(int rank) {
                world = new World(rank, 2);
            }

            @Override
            public World world() {
                return world;
            }

            @Override
            public Member member(int rank) {
                return new Member(rank, "here", rank);
            }

            @Override
            public MemoryBoxes boxes() {
                return this;
            }

            @Override
            public void await(int workDone, Activity activity) {
                if (workDone == 0 && secondLost && world.rank() == 0) {
                    throw new PeerLostException(0, secondRank, "it ended", activity.toString());
                }
                if (activity.silentNanos(System.nanoTime()) > PATIENCE.toNanos()) {
                    throw new AssertionError("rank " + world.rank() + " has waited too long");
                }
                Thread.onSpinWait();
            }

            @Override
            public List<Integer> ranks() {
                return List.of(0, 1);
            }

            @Override
            public String newName(String purpose) {
                return purpose;
            }

            @Override
            public MemoryBox create(String name, long byteLength) {
                return attach(world.rank(), name, byteLength);
            }

            /** Creates the box if the owner has not yet. */
            @Override
            public MemoryBox attach(int owner, String name, long byteLength) {
                if (boxes[owner] == null) {
                    boxes[owner] = MemoryBox.ofOneRank(name, byteLength);
                }
                return boxes[owner];
            }

            @Override
            public void moved(long bytes) {}

            @Override
            public long bytesMoved() {
                return 0;
            }

            @Override
            public FrameSender sender(int peer) {
                throw new UnsupportedOperationException();
            }

            @Override
            public FrameReceiver receiver(int peer) {
                throw new UnsupportedOperationException();
            }

            @Override
            public void flush(Activity activity) {
                throw new UnsupportedOperationException();
            }
        }
    }
}
