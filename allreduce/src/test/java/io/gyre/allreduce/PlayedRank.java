package io.gyre.allreduce;

import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import java.util.ArrayList;
import java.util.List;

/** A rank whose frames are sent and received one by one by a test, at the times that the test chooses. */
final class PlayedRank {

    private final Endpoint endpoint;
    private final Activity activity = new Activity();

    PlayedRank(Endpoint endpoint) {
        this.endpoint = endpoint;
    }

    /** A frame and its payload. */
    record Received(Frame.Kind kind, int chunk, List<Float> values) {}

    /** Waits until the link has taken a frame of step 0, bucket 0. */
    void send(int peer, Frame.Kind kind, int chunk, long vectorBytes, Region payload) {
        Frame frame = new Frame().set(kind, 0, 0, chunk, vectorBytes, (int) payload.byteLength());
        activity.begin("sending a frame", 0, 0, 0);
        activity.waitingFor(endpoint.member(peer), 0);
        while (!endpoint.sender(peer).offer(frame, payload, 0)) {
            endpoint.await(0, activity);
        }
    }

    /** Waits for the next frame of a peer. */
    Received receive(int peer) {
        List<Received> received = new ArrayList<>();
        activity.begin("waiting for a frame", 0, 0, 0);
        activity.waitingFor(endpoint.member(peer), 0);
        while (received.isEmpty()) {
            int frames = endpoint.receiver(peer)
                    .poll(
                            (frame, payload, offset) -> {
                                List<Float> values = new ArrayList<>();
                                for (int i = 0; i < frame.length(); i += Float.BYTES) {
                                    values.add(payload.getFloat(offset + i));
                                }
                                received.add(new Received(frame.kind(), frame.chunk(), values));
                                return false;
                            },
                            1);
            endpoint.await(frames, activity);
        }
        return received.get(0);
    }
}
