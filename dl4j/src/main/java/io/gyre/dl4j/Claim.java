package io.gyre.dl4j;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A thread's, and so a rank's, exclusive use of objects such as a model or an iterator. A later claim of the same
 * thread takes them over. Released claims and unreachable objects leave nothing behind.
 *
 * <p>All methods are thread-safe.
 */
final class Claim implements AutoCloseable {

    private static final Map<Key, Claim> CLAIMS = new HashMap<>();
    private static final ReferenceQueue<Object> UNREACHABLE = new ReferenceQueue<>();

    private final WeakReference<Thread> owner = new WeakReference<>(Thread.currentThread());
    private final String ofRank;
    private Use use = Use.NONE;
    private boolean takenOver;

    /** What is in progress, and ends if another claim takes the objects over. */
    enum Use {
        /** Nothing. */
        NONE,
        /** A pass that a later call continues. */
        BETWEEN_CALLS,
        /** A running call. */
        NOW
    }

    /** An object by its identity; weakly reachable. */
    private static final class Key extends WeakReference<Object> {

        private final int hash;

        Key(Object object) {
            super(object, UNREACHABLE);
            hash = System.identityHashCode(object);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            if (this == other) {
                return true;
            }
            Object own = get();
            return own != null && other instanceof Key key && key.get() == own;
        }
    }

    private Claim(String ofRank) {
        this.ofRank = ofRank;
    }

    /**
     * Claims objects for this thread.
     *
     * @param ofRank the claiming rank, for the error of another claim
     * @param mayEnd the most active kind of use, by an earlier claim of this thread, that this claim may end
     */
    static Claim of(List<Object> objects, String ofRank, Use mayEnd) {
        Claim claim = new Claim(ofRank);
        synchronized (CLAIMS) {
            purge();
            for (Object object : objects) {
                check(object, CLAIMS.get(new Key(object)), ofRank, mayEnd);
            }
            for (Object object : objects) {
                Claim earlier = CLAIMS.remove(new Key(object));
                if (earlier != null) {
                    earlier.takenOver = true;
                }
                CLAIMS.put(new Key(object), claim);
            }
        }
        return claim;
    }

    private static void check(Object object, @Nullable Claim earlier, String ofRank, Use mayEnd) {
        if (earlier == null) {
            return;
        }
        Thread owner = earlier.owner.get();
        String what = object.getClass().getName();
        if (owner != null && owner != Thread.currentThread() && owner.isAlive()) {
            throw new IllegalArgumentException(ofRank + " was given the same " + what + " object as " + earlier.ofRank
                    + " of this process (threads " + Thread.currentThread().getName() + " and " + owner.getName()
                    + "): ranks that share it would take batches or parameters from one another. Make one for every"
                    + " rank, inside the program that Gyre.local runs, or close the trainer that had it before");
        }
        if (earlier.use.compareTo(mayEnd) > 0) {
            throw new IllegalStateException("a pass of training over this " + what + " is not finished, and "
                    + (earlier.use == Use.NOW ? "it can be read by one pass at a time" : "it cannot be reset")
                    + ": finish the epoch first, or use another iterator");
        }
    }

    private static void purge() {
        for (Object unreachable = UNREACHABLE.poll(); unreachable != null; unreachable = UNREACHABLE.poll()) {
            CLAIMS.remove(unreachable);
        }
    }

    /** Whether none of the objects has been taken over by a later claim. */
    boolean holds() {
        synchronized (CLAIMS) {
            return !takenOver;
        }
    }

    void setUse(Use value) {
        synchronized (CLAIMS) {
            use = value;
        }
    }

    /** Number of objects claimed in this process. */
    static int count() {
        synchronized (CLAIMS) {
            purge();
            return CLAIMS.size();
        }
    }

    /** Releases the objects that were not taken over. A second call does nothing. */
    @Override
    public void close() {
        synchronized (CLAIMS) {
            purge();
            CLAIMS.values().removeIf(claim -> claim == this);
        }
    }
}
