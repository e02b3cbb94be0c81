package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.paramserver.Reply.Done;
import io.gyre.paramserver.Reply.Refused;
import io.gyre.paramserver.Request.Change;
import io.gyre.paramserver.Request.Free;
import io.gyre.paramserver.Request.Leave;
import io.gyre.paramserver.Request.OfTraining;
import io.gyre.paramserver.Request.Open;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the requests that change something: opens and frees buffers, and changes shards. Used by the service's
 * thread.
 */
final class Changes {

    private final ShardTable table;
    private final Clients clients;
    private final Answers answers;

    /**
     * Creates the changes of a server.
     *
     * @param clients whose replies in flight may read from a buffer that is freed
     * @param answers in which requests may wait for a buffer that is freed
     */
    Changes(ShardTable table, Clients clients, Answers answers) {
        this.table = table;
        this.clients = clients;
        this.answers = answers;
    }

    /**
     * Carries out a request that was checked.
     *
     * @param data sent with it
     * @return the reply; null if the client expects none
     */
    @Nullable Reply carryOut(ClientLink client, long call, Request<?> request, Region data) {
        if (request instanceof Open open) {
            return table.open(client.rank(), call, open);
        }
        if (request instanceof Change<?> change) {
            Shard shard = table.find(change.buffer());
            return shard == null
                    ? new Refused("buffer number " + change.buffer() + " was freed while data for it came")
                    : shard.change(client, change, data);
        }
        if (request instanceof OfTraining<?> ofTraining) {
            return table.get(ofTraining.buffer()).training().answer(client.worker(), ofTraining);
        }
        if (request instanceof Free free) {
            free(free.buffer());
            return new Done();
        }
        if (request instanceof Leave) {
            clients.setAnyLeft();
            return new Done();
        }
        throw new IllegalStateException("no handling for " + request);
    }

    private void free(int buffer) {
        Shard shard = table.find(buffer);
        if (shard != null) {
            // A client that is being sent a part of it repeats its request, and then learns that it was freed.
            clients.dropRepliesFrom(shard.memory().data());
            answers.refuse(buffer, "buffer " + shard.buffer() + " was freed");
            table.free(shard);
        }
    }
}
