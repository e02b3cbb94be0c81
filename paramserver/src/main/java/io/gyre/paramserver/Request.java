package io.gyre.paramserver;

import io.gyre.paramserver.Reply.Applied;
import io.gyre.paramserver.Reply.Content;
import io.gyre.paramserver.Reply.Counted;
import io.gyre.paramserver.Reply.Done;
import io.gyre.paramserver.Reply.Opened;
import io.gyre.paramserver.Reply.Reached;
import io.gyre.paramserver.Reply.Rejoined;
import io.gyre.paramserver.Reply.StalenessCounted;
import io.gyre.paramserver.Reply.StepGranted;
import java.util.Locale;

/**
 * Requests of a client to one server: one record per kind.
 *
 * @param <R> the reply, unless it is {@link Reply.Refused}
 */
sealed interface Request<R extends Reply> extends ServerMessage {

    /** Type of the reply. */
    Class<R> replyType();

    /** Whether data follow: the new values, or what is to be added, for the whole shard. */
    default boolean carriesData() {
        return false;
    }

    /** A short description of the request, for errors. */
    default String inWords() {
        return getClass().getSimpleName().replaceAll("(?<=.)(?=[A-Z])", "-").toLowerCase(Locale.ROOT);
    }

    /** A request whose reply says only that it was done. */
    sealed interface Confirmed extends Request<Done> {

        @Override
        default Class<Done> replyType() {
            return Done.class;
        }
    }

    /** Registers a client with a buffer. */
    sealed interface Open extends Request<Opened> {

        BufferSpec spec();

        /** Incarnation of the client's rank. A restarted worker has a higher one than its predecessor. */
        long incarnation();

        @Override
        default Class<Opened> replyType() {
            return Opened.class;
        }

        @Override
        default String inWords() {
            return Request.super.inWords() + " of buffer '" + spec().name() + "'";
        }
    }

    /**
     * Creates a buffer of zeros. A restarted worker repeats the creations of its predecessor, and finds the buffers
     * unchanged.
     */
    record Create(BufferSpec spec, long incarnation) implements Open {}

    /** Attaches a buffer that another client has created. */
    record Attach(BufferSpec spec, long incarnation) implements Open {}

    /** The client makes no more requests. */
    record Leave() implements Confirmed {}

    /** A request about a buffer that the client has opened. */
    sealed interface OfBuffer<R extends Reply> extends Request<R> {

        /** Number of the buffer on this server: see {@link Opened}. */
        int buffer();
    }

    /** Frees the memory of a buffer, for all clients. */
    record Free(int buffer) implements OfBuffer<Done>, Confirmed {}

    /** Reads the content of the shard. */
    record Read(int buffer) implements OfBuffer<Content> {
        @Override
        public Class<Content> replyType() {
            return Content.class;
        }
    }

    /** Changes the shard, and so must be applied once, however often it is sent. */
    sealed interface Change<R extends Reply> extends OfBuffer<R> {
        ChangeId id();
    }

    /** A change of the whole shard by the data that follow. */
    sealed interface Store extends Change<Applied> {

        @Override
        default Class<Applied> replyType() {
            return Applied.class;
        }

        @Override
        default boolean carriesData() {
            return true;
        }
    }

    /** Replaces the content of the shard with the data that follow. */
    record Write(int buffer, ChangeId id) implements Store {}

    /** Adds the data that follow to the shard, element by element. */
    record Accumulate(int buffer, ChangeId id) implements Store {}

    /** Adds to the double at the start of the shard, and returns its previous value. */
    record FetchAndAdd(int buffer, ChangeId id, long delta) implements Change<Counted> {
        @Override
        public Class<Counted> replyType() {
            return Counted.class;
        }
    }

    /** A request about parameters in training. */
    sealed interface OfTraining<R extends Reply> extends OfBuffer<R> {}

    /** Pushes this shard's part of a gradient. */
    sealed interface Push extends Change<Applied>, OfTraining<Applied> {

        GradientOrigin origin();

        @Override
        default Class<Applied> replyType() {
            return Applied.class;
        }

        @Override
        default String inWords() {
            return "push of step " + origin().step();
        }
    }

    /** A push whose gradient follows as data. */
    record SentPush(int buffer, ChangeId id, GradientOrigin origin) implements Push {
        @Override
        public boolean carriesData() {
            return true;
        }
    }

    /** A push whose gradient follows as data in the codec of the {@link Training}. */
    record EncodedPush(int buffer, ChangeId id, GradientOrigin origin) implements Push {
        @Override
        public boolean carriesData() {
            return true;
        }
    }

    /**
     * A push whose gradient is in memory that client and server have mapped.
     *
     * @param box name of the memory box, from {@link Opened}
     */
    record MappedPush(int buffer, ChangeId id, GradientOrigin origin, String box) implements Push {}

    /** A request that is answered once a condition holds. A client waits for at most one of each kind and buffer. */
    sealed interface Wait<R extends Reply> extends OfBuffer<R> {}

    /** Waits until the shard has seen that many changes. */
    record AwaitVersion(int buffer, long version) implements Wait<Reached> {
        @Override
        public Class<Reached> replyType() {
            return Reached.class;
        }
    }

    /** Waits until the consistency lets this client begin a step. */
    sealed interface BeginStep extends Wait<StepGranted>, OfTraining<StepGranted> {

        long step();

        @Override
        default Class<StepGranted> replyType() {
            return StepGranted.class;
        }

        @Override
        default String inWords() {
            return "pull of step " + step();
        }
    }

    /** Requests the parameters of a step: they follow the reply. */
    record SentPull(int buffer, long step) implements BeginStep {}

    /** Requests permission to begin a step: the client has mapped the parameters, and copies them itself. */
    record MappedPull(int buffer, long step) implements BeginStep {}

    /** The worker pushes no more: no other waits for it. */
    record Finish(int buffer) implements OfTraining<Done>, Confirmed {}

    /** The worker continues, or begins, at a step. */
    record Resume(int buffer, long step) implements OfTraining<Done>, Confirmed {}

    /**
     * A restarted worker asks at which step it continues.
     *
     * @param step its earliest possible step
     */
    record Rejoin(int buffer, long step) implements OfTraining<Rejoined> {
        @Override
        public Class<Rejoined> replyType() {
            return Rejoined.class;
        }
    }

    /** Reads a slot of the optimiser: see {@link ServerOptimizer}. */
    record ReadSlot(int buffer, int slot) implements OfTraining<Content> {
        @Override
        public Class<Content> replyType() {
            return Content.class;
        }
    }

    /** Replaces a slot of the optimiser with the data that follow. */
    record WriteSlot(int buffer, ChangeId id, int slot) implements Store, OfTraining<Applied> {}

    /** Updates are counted from that number on. */
    record CountFrom(int buffer, long updates) implements OfTraining<Done>, Confirmed {}

    /** Requests the staleness of pushes. */
    record CountStaleness(int buffer) implements OfTraining<StalenessCounted> {
        @Override
        public Class<StalenessCounted> replyType() {
            return StalenessCounted.class;
        }
    }
}
