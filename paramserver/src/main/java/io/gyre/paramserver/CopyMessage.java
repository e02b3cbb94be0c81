package io.gyre.paramserver;

import java.util.List;

/**
 * What the primary copy of a shard tells its backup, in one stream: first, if that one was restarted, the state of the
 * shard, then every change in the order in which both copies carry them out. Each message is answered with
 * {@link Reply.Done} or {@link Reply.Refused}, in order.
 */
sealed interface CopyMessage extends ServerMessage {

    /**
     * A request of a client that changes the shard; its data follow.
     *
     * @param rank of the client
     * @param call the client's number of the call
     */
    record Passed(int rank, long call, Request<?> request) implements CopyMessage {}

    /** A client has left or is lost: no other waits for it. */
    record Ended(int rank) implements CopyMessage {}

    /**
     * The state of all buffers follows.
     *
     * @param nextNumber number of the next buffer
     * @param anyLeft whether a client has left in good order
     */
    record BeginState(int nextNumber, boolean anyLeft) implements CopyMessage {}

    /**
     * The shard of one buffer; its content follows.
     *
     * @param changes see {@link StripedMemory#changes}
     * @param ledger the last change of each client
     * @param training empty, or the one state of the training
     */
    record BufferState(
            int number,
            BufferSpec spec,
            Shard.Creation creation,
            long changes,
            List<LastChange> ledger,
            List<TrainedState> training)
            implements CopyMessage {

        public BufferState {
            ledger = List.copyOf(ledger);
            training = List.copyOf(training);
        }
    }

    /** The sum of the pushes of the current step follows, of a buffer whose steps are combined. */
    record SumState(int buffer) implements CopyMessage {}

    /** A slot of a buffer's optimiser follows. */
    record SlotState(int buffer, int slot) implements CopyMessage {}

    /** The state is complete: changes follow. */
    record EndState() implements CopyMessage {}

    /**
     * The last change of a client.
     *
     * @param reply to it; empty if none has been applied yet
     */
    record LastChange(int rank, long incarnation, long sequence, List<Reply> reply) {

        public LastChange {
            reply = List.copyOf(reply);
        }
    }

    /**
     * The figures of a training.
     *
     * @param examplesInSum examples of the pushes in the sum of the current step
     * @param clocks of the workers
     * @param finished whether each worker pushes no more
     */
    record TrainedState(
            long updates,
            int epoch,
            double examplesInSum,
            long stepOfSum,
            List<Long> clocks,
            List<Boolean> finished,
            StalenessHistogram staleness) {

        public TrainedState {
            clocks = List.copyOf(clocks);
            finished = List.copyOf(finished);
        }
    }
}
