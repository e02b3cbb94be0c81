package io.gyre.network;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.memory.MemoryBoxes;

/**
 * An endpoint whose waits say what is exchanged, for a collective whose operations are about other things than buckets.
 * Otherwise it delegates.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>That of the endpoint; the same thread sets the name.
 * </dl>
 */
public final class NamedEndpoint implements Endpoint {

    private final Endpoint endpoint;
    private String subject;

    /**
     * Creates the endpoint.
     *
     * @param endpoint borrowed
     * @param subject of the first operations
     */
    public NamedEndpoint(Endpoint endpoint, String subject) {
        this.endpoint = endpoint;
        this.subject = subject;
    }

    /** Sets what the next operations are about: a constant, such as {@code "the statistics of layer 'norm'"}. */
    public void nextIsAbout(String what) {
        subject = what;
    }

    @Override
    public World world() {
        return endpoint.world();
    }

    @Override
    public Member member(int rank) {
        return endpoint.member(rank);
    }

    @Override
    public FrameSender sender(int peer) {
        return endpoint.sender(peer);
    }

    @Override
    public FrameReceiver receiver(int peer) {
        return endpoint.receiver(peer);
    }

    @Override
    public void await(int workDone, Activity activity) {
        activity.about(subject);
        endpoint.await(workDone, activity);
    }

    @Override
    public void flush(Activity activity) {
        activity.about(subject);
        endpoint.flush(activity);
    }

    @Override
    public void renew(int peer) {
        endpoint.renew(peer);
    }

    @Override
    public MemoryBoxes boxes() {
        return endpoint.boxes();
    }
}
