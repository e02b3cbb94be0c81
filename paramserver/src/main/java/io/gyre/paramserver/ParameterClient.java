package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.paramserver.Reply.Applied;
import io.gyre.paramserver.Reply.StepGranted;
import io.gyre.training.ParameterStore;
import io.gyre.training.ServerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Parameters that servers train, as one worker sees them.
 *
 * <p>Each push is applied exactly once, in this worker's order, however often it must be sent. A pull waits at the
 * servers until the consistency lets the step begin.
 *
 * <dl>
 *   <dt>On the servers' host
 *   <dd>Parameters are mapped, and copied when the step begins: what was pulled ahead may then be newer than its
 *       counted staleness. Gradients are put into memory from which the server applies them: only requests and replies
 *       are sent.
 *   <dt>From other hosts
 *   <dd>Gradients are sent in the codec of the {@link Training}, if it has one: encoded once for each push, with this
 *       worker's residual. Parameters come as floats.
 *   <dt>Memory
 *   <dd>Two vectors: the one being pulled, and the one being pushed, which for servers on this host is in their memory;
 *       and the residual of the codec, if it has one.
 *   <dt>Threading
 *   <dd>One thread, the same that makes the service's other calls.
 * </dl>
 */
public final class ParameterClient implements ParameterStore {

    private static final long NO_PUSH = -1;

    private final ParameterService service;
    private final Caller caller;
    private final ShardedBuffer buffer;
    private final Region pulled;
    private final Region pushed;
    private final @Nullable PushCodec codec;

    /** By shard: its part of the gradient, encoded; null where it stays in floats. */
    private final @Nullable Region[] encoded;

    private final List<Call<StepGranted>> pulling = new ArrayList<>();
    private final List<Call<Applied>> pushing = new ArrayList<>();

    /** Each server's reply about the parameters of the current step. */
    private final StepGranted[] granted;

    private StalenessHistogram staleness = StalenessHistogram.EMPTY;
    private long lastStaleness = NO_PUSH;

    ParameterClient(ParameterService service, Caller caller, ShardedBuffer buffer) {
        this.service = service;
        this.caller = caller;
        this.buffer = buffer;
        long bytes = buffer.spec().byteLength();
        codec = service.training().newPushCodec();
        encoded = new Region[buffer.shards().size()];
        boolean sends = false;
        for (int i = 0; i < encoded.length; i++) {
            ShardHandle shard = buffer.shards().get(i);
            if (codec != null && shard.isPushedInMessages()) {
                encoded[i] = Region.allocate("encoded gradient", codec.mostBytes(shard.elements()));
            } else {
                sends |= !shard.hasPushBox();
            }
        }
        pulled = Region.allocate("pulled parameters", bytes);
        pushed = Region.allocate("pushed gradient", sends ? bytes : 0);
        granted = new StepGranted[buffer.shards().size()];
        Arrays.fill(granted, new StepGranted(0, 0));
    }

    @Override
    public void start(Region parameters) {
        if (service.trainers().world().isRoot() && !service.isRestarted()) {
            buffer.write(parameters);
        }
        service.meet("start of " + this);
        buffer.read(parameters);
        if (service.trainingOutlivesWorkers()) {
            service.outliveThis();
        }
    }

    @Override
    public long resume(long step) {
        long begin = service.isRestarted() ? stepOfTheSlowest(step) : step;
        buffer.askAll(shard -> shard.resume(begin));
        service.meet("resuming " + this);
        return begin;
    }

    /** As {@link #resume}, without waiting for others. */
    void resumeAlone(long step) {
        buffer.askAll(shard -> shard.resume(step));
    }

    /** The step at which a restarted worker continues: not before the slowest on any server. */
    long stepOfTheSlowest(long step) {
        List<Reply.Rejoined> rejoined = buffer.askAll(shard -> shard.rejoin(step));
        return rejoined.stream().mapToLong(Reply.Rejoined::step).max().orElse(step);
    }

    @Override
    public boolean mayPullAhead() {
        return service.training().consistency().mayPullAhead();
    }

    @Override
    public void beginPull(long step) {
        if (!pulling.isEmpty()) {
            throw new IllegalStateException("a pull is under way");
        }
        for (ShardHandle shard : buffer.shards()) {
            pulling.add(shard.pull(step, pulled));
        }
    }

    @Override
    public void awaitPull(Region parameters) {
        if (pulling.isEmpty()) {
            throw new IllegalStateException("no pull is under way");
        }
        buffer.checkLength(parameters);
        for (int i = 0; i < pulling.size(); i++) {
            granted[i] = caller.await(pulling.get(i));
        }
        pulling.clear();
        for (ShardHandle shard : buffer.shards()) {
            if (shard.isMapped()) {
                shard.readMapped(parameters);
            } else {
                Vectors.copy(shard.part(parameters), shard.part(pulled));
            }
        }
    }

    @Override
    public void push(Region gradient, long step, long examples, int epoch) {
        buffer.checkLength(gradient);
        awaitPush();
        lastStaleness = 0;
        for (int i = 0; i < granted.length; i++) {
            lastStaleness = Math.max(lastStaleness, step - granted[i].clock());
            GradientOrigin origin = new GradientOrigin(step, granted[i].version(), granted[i].clock(), examples, epoch);
            pushing.add(push(buffer.shards().get(i), i, gradient, origin));
        }
    }

    private Call<Applied> push(ShardHandle shard, int index, Region gradient, GradientOrigin origin) {
        PushCodec encoder = codec;
        Region place = encoded[index];
        return encoder == null || place == null
                ? shard.push(gradient, pushed, origin)
                : shard.push(gradient, encoder, place, origin);
    }

    /** Name of a codec whose residual changes with every push; null if nothing is kept between two of them. */
    @Nullable String residualOf() {
        return codec != null && codec.hasResidual() ? codec.name() : null;
    }

    @Override
    public void awaitPush() {
        caller.awaitAll(pushing);
        pushing.clear();
    }

    /**
     * As {@link #awaitPush()}, with a timeout. After a timeout the push is still in flight, and applied once: call this
     * again to continue waiting.
     *
     * @throws io.gyre.PeerTimeoutException if a server has not replied in time
     */
    public void awaitPush(Duration atMost) {
        for (Call<Applied> call : pushing) {
            caller.await(call, atMost);
        }
        awaitPush();
    }

    /**
     * Pushes a gradient, waits until it has been applied, and pulls the parameters of the next step, which contain it.
     *
     * @param gradient as in {@link #push}
     * @param parameters receives the result
     */
    public void pushPull(Region gradient, long step, long examples, int epoch, Region parameters) {
        push(gradient, step, examples, epoch);
        awaitPush();
        beginPull(step + 1);
        awaitPull(parameters);
    }

    @Override
    public void finish(Region parameters) {
        pause();
        service.meet("end of " + this);
        buffer.read(parameters);
        staleness = fetchStaleness();
        service.meet("farewell of " + this);
    }

    /** As {@link #finish}, without waiting for others: they have ended their pushes, and push nothing meanwhile. */
    void finishAlone(Region parameters) {
        buffer.read(parameters);
        staleness = fetchStaleness();
    }

    /** Copies the parameters, whatever step any worker is in. */
    void read(Region parameters) {
        buffer.read(parameters);
    }

    /** Ends this worker's pushes, so that no other waits for its clock; {@link #resume} continues. */
    void pause() {
        awaitPush();
        buffer.askAll(ShardHandle::finish);
        caller.awaitAll(pulling);
        pulling.clear();
    }

    @Override
    public ServerState serverState() {
        return new TrainingState(
                this,
                service.trainers().world(),
                buffer,
                service.training().optimizer().slots());
    }

    private StalenessHistogram fetchStaleness() {
        return buffer.askAll(ShardHandle::countStaleness).stream()
                .map(Reply.StalenessCounted::histogram)
                .reduce(StalenessHistogram.EMPTY, StalenessHistogram::plus);
    }

    /** The greatest over the servers, by what they said of the parameters. */
    @Override
    public long lastStaleness() {
        return lastStaleness;
    }

    /** Staleness of all pushes to all shards, as of the last {@link #finish}. */
    public StalenessHistogram staleness() {
        return staleness;
    }

    @Override
    public long maxStaleness() {
        return staleness.max();
    }

    @Override
    public String toString() {
        return "parameters " + buffer.spec();
    }
}
