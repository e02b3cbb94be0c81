package io.gyre.memory;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import java.util.List;

/**
 * Memory that ranks of one host share: each creates boxes under names, and its neighbours attach them.
 *
 * <p>Boxes that are still open when the session closes are closed with it, unless somebody is using them.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>{@link #attach} may have to wait, and so belongs to the thread that owns the endpoint; the rest may be called
 *       by any.
 * </dl>
 */
public interface MemoryBoxes {

    /**
     * Ranks whose boxes this one can attach, itself included, in ascending order. Just itself where no memory is
     * shared.
     */
    List<Integer> ranks();

    /**
     * Creates a box, zeroed, with all its pages in place.
     *
     * @param name not in use by this rank
     * @param byteLength may be 0, and beyond 2^31
     * @throws GyreException if there is not enough shared memory, with what is needed and what is available
     */
    MemoryBox create(String name, long byteLength);

    /**
     * Maps a box of another rank, and waits until that rank has created it.
     *
     * @param owner who creates it; one of {@link #ranks}
     * @param byteLength what the owner gave
     * @throws DisagreementException if it has another length, or is of another run
     * @throws PeerLostException if the owner dies meanwhile
     * @throws PeerTimeoutException if it is not there within the peer timeout
     */
    MemoryBox attach(int owner, String name, long byteLength);

    /**
     * Makes a name that was not given before: {@code purpose-0}, {@code purpose-1}, and so on. Ranks that ask equally
     * often for the same purpose get equal names, so that objects which all ranks create in the same order find each
     * other's boxes.
     */
    String newName(String purpose);

    /**
     * Notes that this rank has moved data between its own memory and that of others. A session counts it as sent.
     *
     * @param bytes read from and written to boxes of others
     */
    void moved(long bytes);

    /** All that was {@link #moved}. */
    long bytesMoved();
}
