package io.gyre.testkit;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.World;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/** A session whose network has one typical network fault. */
final class FaultySession implements Session, Endpoint {

    /** The fault. */
    enum Fault {
        NONE,
        SWAPS_FRAMES,
        FLIPS_A_BIT,
        LOSES_A_FRAME,
        REPEATS_A_FRAME,
        READS_THE_CALLERS_MEMORY_LATER,
        FORGETS_THE_VECTORS_LENGTH,
        BLAMES_THE_WRONG_RANK,
        MIXES_UP_AN_EXCHANGE
    }

    private final Session session;
    private final Fault fault;
    private final Map<FrameSender, FaultySender> senders = new HashMap<>();

    FaultySession(Session session, Fault fault) {
        this.session = session;
        this.fault = fault;
    }

    @Override
    public FrameSender sender(int peer) {
        return senders.computeIfAbsent(session.endpoint().sender(peer), FaultySender::new);
    }

    @Override
    public MemoryBoxes boxes() {
        return session.endpoint().boxes();
    }

    /** Applies the fault to every third frame. */
    private final class FaultySender implements FrameSender {

        private final FrameSender sender;
        private int frames;
        private Runnable delayed = () -> {};

        FaultySender(FrameSender sender) {
            this.sender = sender;
        }

        @Override
        public int maxPayload() {
            return sender.maxPayload();
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            ByteBuffer copy = ByteBuffer.allocateDirect(frame.length());
            source.copyTo(offset, copy, 0, frame.length());
            return offer(frame, copy, 0);
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            if (fault == Fault.FORGETS_THE_VECTORS_LENGTH) {
                frame = new Frame().set(frame.kind(), frame.step(), frame.bucket(), frame.chunk(), 0, frame.length());
            }
            if (fault == Fault.NONE || frame.length() > sender.maxPayload() || (frames + 1) % 3 != 0) {
                boolean taken = sender.offer(frame, source, offset);
                if (taken) {
                    frames++;
                    sendDelayed();
                }
                return taken;
            }
            frames++;
            return offerBroken(frame, source, offset);
        }

        private boolean offerBroken(Frame frame, ByteBuffer source, int offset) {
            ByteBuffer copy = ByteBuffer.allocateDirect(frame.length());
            copy.put(0, source, offset, frame.length());
            Frame header = new Frame()
                    .set(
                            frame.kind(),
                            frame.step(),
                            frame.bucket(),
                            frame.chunk(),
                            frame.vectorBytes(),
                            frame.length());
            switch (fault) {
                case SWAPS_FRAMES -> delayed = () -> sender.offer(header, copy, 0);
                case READS_THE_CALLERS_MEMORY_LATER -> delayed = () -> sender.offer(header, source, offset);
                case LOSES_A_FRAME -> {}
                case REPEATS_A_FRAME -> {
                    sender.offer(header, copy, 0);
                    sender.offer(header, copy, 0);
                }
                case FLIPS_A_BIT -> {
                    if (header.length() > 0) {
                        copy.put(0, (byte) (copy.get(0) ^ 8));
                    }
                    sender.offer(header, copy, 0);
                }
                default -> sender.offer(header, copy, 0);
            }
            return true;
        }

        void sendDelayed() {
            Runnable due = delayed;
            delayed = () -> {};
            due.run();
        }
    }

    @Override
    public void await(int workDone, Activity activity) {
        try {
            session.endpoint().await(workDone, activity);
        } catch (PeerLostException e) {
            if (fault == Fault.BLAMES_THE_WRONG_RANK) {
                Member wrong = member((e.rank() + 1) % world().size());
                throw new PeerLostException(world().rank(), wrong, "no reason", "doing nothing");
            }
            throw e;
        }
    }

    @Override
    public void flush(Activity activity) {
        senders.values().forEach(FaultySender::sendDelayed);
        session.endpoint().flush(activity);
    }

    @Override
    public List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value) {
        List<byte[]> values = new ArrayList<>(session.exchange(ranks, topic, value));
        if (fault == Fault.MIXES_UP_AN_EXCHANGE) {
            Collections.reverse(values);
        }
        return values;
    }

    @Override
    public void attest(List<Integer> ranks, String topic, String value, String remedy) {
        session.attest(ranks, topic, value, remedy);
    }

    @Override
    public FrameReceiver receiver(int peer) {
        return session.endpoint().receiver(peer);
    }

    @Override
    public Member member(int rank) {
        return session.endpoint().member(rank);
    }

    @Override
    public Endpoint endpoint() {
        return this;
    }

    @Override
    public Endpoint endpoint(int lane) {
        return lane == 0 ? this : session.endpoint(lane);
    }

    @Override
    public void beExpendable() {
        session.beExpendable();
    }

    @Override
    public void beExpendable(SortedMap<Integer, Integer> backedBy) {
        session.beExpendable(backedBy);
    }

    @Override
    public boolean hasEnded(int rank) {
        return session.hasEnded(rank);
    }

    @Override
    public int incarnation(int rank) {
        return session.incarnation(rank);
    }

    @Override
    public World world() {
        return session.world();
    }

    @Override
    public List<Member> members() {
        return session.members();
    }

    @Override
    public String transport() {
        return session.transport();
    }

    @Override
    public long bytesSent() {
        return session.bytesSent();
    }

    @Override
    public void check(List<Integer> ranks, Object doing) {
        session.check(ranks, doing);
    }

    @Override
    public boolean isWhole(List<Integer> ranks) {
        return session.isWhole(ranks);
    }

    @Override
    public void fail(String reason) {
        session.fail(reason);
    }

    @Override
    public void close() {
        session.close();
    }
}
