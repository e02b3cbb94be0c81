package io.gyre.network;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Observers of one kind. One that throws is logged once and hears nothing more: what is observed continues.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may call any method. A thread that is telling the observers something tells those that were there
 *       when it began. Nothing is locked or allocated to tell them.
 *   <dt>Ownership
 *   <dd>Observers are borrowed.
 * </dl>
 *
 * @param <T> kind of observer
 */
public final class Audience<T> {

    private static final Logger LOG = LoggerFactory.getLogger(Audience.class);

    private volatile List<T> all;

    /** Creates an audience of these observers. */
    public Audience(List<? extends T> observers) {
        all = List.copyOf(observers);
    }

    /** All observers, in the order in which they came: immutable, and to be walked by index. */
    public List<T> all() {
        return all;
    }

    /** Adds an observer, as the last one. */
    public synchronized void add(T observer) {
        List<T> now = new ArrayList<>(all);
        now.add(observer);
        all = List.copyOf(now);
    }

    /** Removes an observer. Does nothing if it is not there. */
    @SuppressWarnings("ReferenceEquality") // Observers are objects, not values.
    public synchronized boolean remove(T observer) {
        List<T> now = new ArrayList<>(all);
        boolean found = now.removeIf(each -> each == observer);
        all = List.copyOf(now);
        return found;
    }

    /** Drops an observer that has thrown. */
    public void failed(T observer, Throwable failure) {
        if (remove(observer)) {
            LOG.error(
                    "the observer {} has failed, and is told nothing more; what it observed continues",
                    observer.getClass().getName(),
                    failure);
        }
    }
}
