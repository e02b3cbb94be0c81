package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.paramserver.CopyMessage.Ended;
import io.gyre.paramserver.CopyMessage.Passed;
import io.gyre.paramserver.CopySender.Waiting;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of the two copies of a shard, on one server, as it follows or leads the other.
 *
 * <p><b>Algorithm.</b> Chain replication with a chain of two (van Renesse, Schneider: Chain replication for supporting
 * high throughput and availability, OSDI 2004), where the head answers. Clients ask the <em>primary</em>. It passes
 * everything that changes the shard on to the <em>backup</em>, which carries it out and says so; only then the primary
 * carries it out itself, and replies. Both carry out the same in the same order, so they have the same bits.
 *
 * <ul>
 *   <li><b>The primary is lost.</b> The backup has all that was acknowledged, ledger included, and becomes the primary.
 *       Clients repeat what is open there, with the same numbers.
 *   <li><b>The backup is lost.</b> The primary carries out what waits, and goes on alone.
 *   <li><b>A lost server comes back</b> as a <em>newcomer</em>. The primary sends it the state of all buffers, and what
 *       changes from then on after that, in the same stream. Nothing is carried out here before the newcomer has the
 *       state, so the state needs no copy: what clients push meanwhile waits.
 *   <li><b>The other is lost before that.</b> The shard is lost, and with it the run: the coordinator ends it, since it
 *       knows by whom each server is backed ({@link io.gyre.session.Session#beExpendable(java.util.SortedMap)}).
 * </ul>
 *
 * <p><b>Invariant.</b> What a client has a reply to, both copies hold, or the only one. A reply tells nothing that only
 * the primary holds: it carries out last.
 *
 * <p>Has no thread and no clock; used by the service's thread.
 */
final class ShardCopy implements Copies {

    private static final Logger LOG = LoggerFactory.getLogger(ShardCopy.class);

    /** Changes and reads of one client that wait for the backup: beyond that, it repeats its requests. */
    static final int MOST_OF_CLIENT = 8;

    /** What this copy does. */
    enum Role {
        /** Answers clients. */
        PRIMARY,
        /** Carries out what the primary passes on. */
        BACKUP,
        /** Awaits the state from the primary. */
        NEWCOMER
    }

    /** What follows when no change of a client waits any more. */
    private record Later(ClientLink client, Runnable work) {}

    private final int shard;
    private final int partner;
    private int partnerIncarnation;
    private final ShardServer server;
    private final Listener listener;
    private final CopySender sender = new CopySender();
    private final CopyReceiver receiver;
    private Role role;
    private final List<Later> later = new ArrayList<>();
    private boolean passesOn;

    /** Told when both copies of a shard are complete again. */
    @FunctionalInterface
    interface Listener {
        void complete(ShardCopy copy);
    }

    /**
     * Creates a copy.
     *
     * @param partner rank of the server with the other copy
     * @param partnerIncarnation of that rank
     * @param server holds this copy
     */
    ShardCopy(int shard, int partner, int partnerIncarnation, ShardServer server, Role role, Listener listener) {
        this.partnerIncarnation = partnerIncarnation;
        this.shard = shard;
        this.partner = partner;
        this.server = server;
        this.role = role;
        this.listener = listener;
        receiver = new CopyReceiver(server);
        passesOn = role == Role.PRIMARY;
        server.setCopies(this);
    }

    int shard() {
        return shard;
    }

    /** Rank of the server with the other copy. */
    int partner() {
        return partner;
    }

    /** Which process of that rank holds it. */
    int partnerIncarnation() {
        return partnerIncarnation;
    }

    Role role() {
        return role;
    }

    /** Whether the other copy is complete as well, as far as this one knows. */
    boolean isBacked() {
        return role == Role.BACKUP || (role == Role.PRIMARY && passesOn && !sender.hasState());
    }

    // As the primary.

    @Override
    public boolean isPrimary() {
        return role == Role.PRIMARY;
    }

    @Override
    public boolean isWaiting(ClientLink client, Request.Change<?> change) {
        return sender.holds(client, change);
    }

    @Override
    public boolean passOn(ClientLink client, long call, Request<?> request, Region data) {
        if (passesOn && sender.of(client) < MOST_OF_CLIENT) {
            sender.send(client, call, request, data);
        }
        return passesOn;
    }

    @Override
    public boolean passOnEnd(int rank) {
        if (passesOn) {
            sender.send(new Ended(rank));
        }
        return passesOn || role != Role.PRIMARY;
    }

    @Override
    public boolean defer(ClientLink client, Runnable work) {
        if (sender.of(client) == 0) {
            return false;
        }
        if (later.stream().filter(other -> other.client == client).count() < MOST_OF_CLIENT) {
            later.add(new Later(client, work));
        }
        return true;
    }

    private void doDeferred(ClientLink client) {
        if (later.isEmpty() || sender.of(client) > 0) {
            return;
        }
        List<Later> due = later.stream().filter(each -> each.client == client).toList();
        later.removeAll(due);
        for (Later each : due) {
            if (!client.hasEnded()) {
                each.work.run();
            }
        }
    }

    /** Whether there is something to send. */
    boolean isBusy() {
        return sender.hasUnsent() || receiver.hasAnswers();
    }

    @Override
    public boolean isDone() {
        return sender.isEmpty() && !receiver.hasAnswers();
    }

    /** Sends the partner what its link accepts now. Returns the number of frames. */
    int advance(FrameSender link) {
        return receiver.advance(link) + sender.advance(link);
    }

    /** Receives a frame of the partner. */
    boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        if (frame.kind() == Frame.Kind.RESPONSE) {
            onAnswer(frame, payload, offset);
            return true;
        }
        if (role == Role.PRIMARY) {
            throw new ProtocolException("rank " + partner + " sent a change of shard " + shard
                    + ", for which this rank answers clients itself");
        }
        if (receiver.onFrame(frame, payload, offset)) {
            role = Role.BACKUP;
            LOG.info("this rank holds a backup of shard {} again, with the state of rank {}", shard, partner);
            listener.complete(this);
        }
        return true;
    }

    private void onAnswer(Frame frame, ByteBuffer payload, int offset) {
        Waiting waiting = sender.answeredBy(frame);
        if (!waiting.isState()) {
            carryOut(waiting, ServerMessageCodec.decodeReply(payload, offset, frame.length()));
        } else if (waiting.message() instanceof CopyMessage.EndState) {
            LOG.info("shard {} has a backup again, on rank {}", shard, partner);
            listener.complete(this);
        }
    }

    /**
     * Carries out here what the backup has carried out.
     *
     * @param answer of the backup; null if there is none
     */
    private void carryOut(Waiting waiting, @Nullable Reply answer) {
        ClientLink client = waiting.client();
        if (waiting.message() instanceof Ended ended) {
            server.finish(ended.rank());
        } else if (waiting.message() instanceof Passed passed && client != null) {
            boolean refusedThere = answer instanceof Reply.Refused;
            Reply reply = server.carryOut(
                    client, passed.call(), passed.request(), waiting.data().get());
            if (answer != null && refusedThere != (reply instanceof Reply.Refused)) {
                throw new GyreException("the copies of shard " + shard + " have become different: "
                        + passed.request().inWords() + " of rank " + passed.rank() + " was answered with " + reply
                        + " here, and with " + answer + " by rank " + partner);
            }
            if (reply != null) {
                client.reply(passed.call(), reply);
            }
            if (waiting.taken().byteLength() > 0) {
                client.giveBack(waiting.taken());
            }
            doDeferred(client);
        }
        server.answerWaiting();
    }

    // What happens to the partner.

    /** The partner has left or is lost. */
    void partnerLost() {
        receiver.reset();
        if (role == Role.BACKUP) {
            role = Role.PRIMARY;
            server.clients().ended().forEach(server::finish);
            tellAlone("this rank answers for shard {}, from its backup, since rank {} has ended");
        } else if (role == Role.PRIMARY && passesOn) {
            passesOn = false;
            goOnAlone();
            tellAlone("shard {} has no backup any more, since rank {} has ended");
        }
    }

    private void tellAlone(String words) {
        if (server.isDone()) {
            LOG.debug(words, shard, partner);
        } else {
            LOG.warn(words, shard, partner);
        }
    }

    private void goOnAlone() {
        for (Waiting waiting : sender.reset()) {
            if (!waiting.isState()) {
                carryOut(waiting, null);
            }
        }
    }

    /**
     * Another process has taken the partner's seat: it gets the state, and what changes from now on.
     *
     * @param incarnation of the partner's rank
     */
    void partnerReturned(int incarnation) {
        partnerIncarnation = incarnation;
        if (role == Role.PRIMARY) {
            passesOn = true;
            sender.sendState(server.table(), server.clients().anyLeft());
        }
    }

    @Override
    public String toString() {
        return "copy of shard " + shard + ", " + role;
    }
}
