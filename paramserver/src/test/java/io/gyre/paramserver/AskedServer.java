package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A server that gets requests as over a network: requests and replies go through the codec, data in frames. */
final class AskedServer {

    static final int MAX_PAYLOAD = 4096;

    final ShardServer server;
    private final ServerMessageCodec codec = new ServerMessageCodec();
    private long calls;

    AskedServer(ShardServer server) {
        this.server = server;
    }

    /** The replies received, in their order. */
    static final class Replies implements FrameSender {
        final List<Reply> all = new ArrayList<>();
        final List<Long> calls = new ArrayList<>();

        Region data = Region.allocate("data", 0);

        /** Bytes of data of all replies. */
        long dataBytes;

        private long arrived;

        @Override
        public int maxPayload() {
            return MAX_PAYLOAD;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            data.copyFrom(arrived, source.window(offset), source.windowOffset(offset), frame.length());
            arrived += frame.length();
            dataBytes += frame.length();
            return true;
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            all.add(ServerMessageCodec.decodeReply(source, offset, frame.length()));
            calls.add(frame.step());
            data = Region.allocate("data", frame.vectorBytes());
            arrived = 0;
            return true;
        }

        Reply last() {
            return all.get(all.size() - 1);
        }
    }

    /** Sends a request without data. Returns the number of the call. */
    long send(int rank, Request<?> request) {
        return announce(rank, request, 0);
    }

    /** Sends a request with data, but none of the data yet. Returns the number of the call. */
    long announce(int rank, Request<?> request, long dataBytes) {
        repeat(++calls, rank, request, dataBytes);
        return calls;
    }

    /** Sends a request again, without its data. */
    void repeat(long call, int rank, Request<?> request, long dataBytes) {
        ByteBuffer words = codec.encode(request);
        Frame frame = new Frame().set(Frame.Kind.REQUEST, call, 0, Outgoing.WORDS, dataBytes, words.limit());
        server.onFrame(rank, frame, words, 0);
    }

    void sendData(long call, int rank, Region data) {
        for (long sent = 0; sent < data.byteLength(); ) {
            int n = data.contiguous(sent, Math.min(MAX_PAYLOAD, data.byteLength() - sent));
            Frame frame = new Frame().set(Frame.Kind.REQUEST, call, 0, Outgoing.DATA, data.byteLength(), n);
            server.onFrame(rank, frame, data.window(sent), data.windowOffset(sent));
            sent += n;
        }
    }

    /** Receives everything that the server has for a rank. */
    Replies receive(int rank) {
        Replies replies = new Replies();
        server.clients().get(rank).advance(replies, true);
        return replies;
    }

    /** Sends a request. Returns the reply. */
    Reply ask(int rank, Request<?> request) {
        send(rank, request);
        return receive(rank).last();
    }

    /** Sends a request with data. Returns the reply. */
    Reply ask(int rank, Request<?> request, Region data) {
        sendData(announce(rank, request, data.byteLength()), rank, data);
        return receive(rank).last();
    }
}
