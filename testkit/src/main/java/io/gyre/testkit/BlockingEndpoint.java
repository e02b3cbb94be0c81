package io.gyre.testkit;

import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Sends and receives one message after the other, for straightforward test code. Used by the thread of one rank. */
final class BlockingEndpoint {

    private final Endpoint endpoint;
    private final Activity activity = new Activity();

    BlockingEndpoint(Endpoint endpoint) {
        this.endpoint = endpoint;
    }

    /** A frame with a copy of its payload. Equal if all fields and bytes are. */
    record Message(Frame.Kind kind, long step, int bucket, int chunk, long vectorBytes, ByteBuffer payload) {

        static Message of(int bucket, byte... payload) {
            return new Message(Frame.Kind.DATA, 0, bucket, 0, 0, ByteBuffer.wrap(payload));
        }

        /** A message with random contents; its payload has {@code length} bytes. */
        static Message random(SplittableRandom random, int length) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            Frame.Kind[] kinds = Frame.Kind.values();
            return new Message(
                    kinds[random.nextInt(kinds.length)],
                    random.nextLong(),
                    random.nextInt(),
                    random.nextInt(),
                    random.nextLong(),
                    ByteBuffer.wrap(bytes));
        }

        Frame frame() {
            return new Frame().set(kind, step, bucket, chunk, vectorBytes, payload.capacity());
        }

        /** The payload in direct memory, preceded and followed by bytes that must not be sent. */
        private ByteBuffer inDirectMemory(int offset) {
            ByteBuffer memory = ByteBuffer.allocateDirect(offset + payload.capacity() + 1);
            while (memory.hasRemaining()) {
                memory.put((byte) 0x55);
            }
            memory.put(offset, payload, 0, payload.capacity());
            return memory.order(ByteOrder.nativeOrder());
        }
    }

    int maxPayload(int peer) {
        return endpoint.sender(peer).maxPayload();
    }

    /** Sends from a buffer, which is overwritten as soon as the link has taken the frame. */
    void send(int peer, Message message) {
        int offset = 3;
        ByteBuffer memory = message.inDirectMemory(offset);
        FrameSender sender = endpoint.sender(peer);
        activity.begin("sending a message", message.step, message.bucket, 0);
        activity.waitingFor(endpoint.member(peer), 0);
        while (!sender.offer(message.frame(), memory, offset)) {
            endpoint.await(0, activity);
        }
        memory.put(offset, new byte[message.payload.capacity()]);
    }

    /** As {@link #send}, from a region. */
    void sendFromRegion(int peer, Message message) {
        long offset = 5;
        Region region = Region.of("message", null, List.of(message.inDirectMemory((int) offset)));
        FrameSender sender = endpoint.sender(peer);
        activity.begin("sending a message", message.step, message.bucket, 0);
        activity.waitingFor(endpoint.member(peer), 0);
        while (!sender.offer(message.frame(), region, offset)) {
            endpoint.await(0, activity);
        }
        region.clear();
    }

    /** Waits for the next message of {@code peer}. */
    Message receive(int peer) {
        List<Message> got = new ArrayList<>(1);
        FrameReceiver receiver = endpoint.receiver(peer);
        activity.begin("waiting for a message", 5, 7, 0);
        activity.waitingFor(endpoint.member(peer), 0);
        while (got.isEmpty()) {
            endpoint.await(
                    receiver.poll((frame, payload, offset) -> !got.add(copy(frame, payload, offset)), 1), activity);
        }
        return got.get(0);
    }

    void flush() {
        activity.begin("flushing messages", 0, -1, 0);
        endpoint.flush(activity);
    }

    static Message copy(Frame frame, ByteBuffer payload, int offset) {
        byte[] bytes = new byte[frame.length()];
        payload.get(offset, bytes);
        return new Message(
                frame.kind(), frame.step(), frame.bucket(), frame.chunk(), frame.vectorBytes(), ByteBuffer.wrap(bytes));
    }
}
