package io.gyre.paramserver;

import io.gyre.memory.Region;

/** What a server knows of the other copy of its shard: {@link ShardCopy}. */
interface Copies {

    /** There is no other. */
    Copies NONE = new Copies() {
        @Override
        public boolean isPrimary() {
            return true;
        }

        @Override
        public boolean isWaiting(ClientLink client, Request.Change<?> change) {
            return false;
        }

        @Override
        public boolean passOn(ClientLink client, long call, Request<?> request, Region data) {
            return false;
        }

        @Override
        public boolean passOnEnd(int rank) {
            return false;
        }

        @Override
        public boolean defer(ClientLink client, Runnable work) {
            return false;
        }

        @Override
        public boolean isDone() {
            return true;
        }
    };

    /** Whether this server answers clients. */
    boolean isPrimary();

    /** Whether a copy of this change waits for the backup. */
    boolean isWaiting(ClientLink client, Request.Change<?> change);

    /**
     * Passes a request that changes something on to the backup. Returns false if there is none: then it is carried out
     * at once. Otherwise {@link ShardServer#carryOut} follows when the backup has done so.
     *
     * @param data sent with it; this takes them from the client
     */
    boolean passOn(ClientLink client, long call, Request<?> request, Region data);

    /** As {@link #passOn}, for the end of a client: {@link ShardServer#finish} follows, if this is the primary. */
    boolean passOnEnd(int rank);

    /**
     * Does work later, if changes of a client wait for the backup: what a client reads contains all that it has changed
     * before. Returns false if none do.
     */
    boolean defer(ClientLink client, Runnable work);

    /** Whether the other copy knows, and has said, all that is to be said. */
    boolean isDone();
}
