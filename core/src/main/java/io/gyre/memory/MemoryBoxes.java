package io.gyre.memory;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import java.util.List;

/**
 * Memory shared by the ranks of one host: each creates named boxes, and its neighbours attach them.
 *
 * <p>Boxes that are still open when the session closes are closed with it, unless they are in use.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>{@link #attach} may wait, so call it on the thread that owns the endpoint; the rest may be called from any
 *       thread.
 * </dl>
 */
public interface MemoryBoxes {

    /**
     * Ranks whose boxes this one can attach, including itself, in ascending order. Only itself where no memory is
     * shared.
     */
    List<Integer> ranks();

    /**
     * Creates a zeroed box, with all its pages allocated.
     *
     * @param name not yet used by this rank
     * @param byteLength 0 or more; may exceed 2^31
     * @throws GyreException with both figures, if there is less shared memory than needed
     */
    MemoryBox create(String name, long byteLength);

    /**
     * Maps a box of another rank, and waits until that rank has created it.
     *
     * @param owner the rank that creates it; one of {@link #ranks}
     * @param byteLength as given by the owner
     * @throws DisagreementException if it has another length, or is of another run
     * @throws PeerLostException if the owner is lost meanwhile
     * @throws PeerTimeoutException if it is not created within the peer timeout
     */
    MemoryBox attach(int owner, String name, long byteLength);

    /**
     * Creates a new name: {@code purpose-0}, {@code purpose-1}, and so on. Ranks that ask equally often for the same
     * purpose get equal names, so that objects that all ranks create in the same order find each other's boxes. The
     * lanes of a session make different names.
     */
    String newName(String purpose);

    /**
     * Counts data that this rank has moved between its own memory and that of others. A session counts them as sent.
     *
     * @param bytes read from and written to boxes of others
     */
    void moved(long bytes);

    /** Sum of all {@link #moved}. */
    long bytesMoved();
}
