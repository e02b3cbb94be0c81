package io.gyre.network;

import io.gyre.Member;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The observers of the waits of one session. Who waits tells them here; {@link Audience} has the rules.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may call any method.
 * </dl>
 */
public final class WaitObservers implements WaitObserver {

    private final Audience<WaitObserver> audience = new Audience<>(List.of());

    /** Adds an observer; borrowed. */
    public void add(WaitObserver observer) {
        audience.add(observer);
    }

    /** Removes an observer. Does nothing if it is not there. */
    public void remove(WaitObserver observer) {
        audience.remove(observer);
    }

    /** Whether nobody listens. */
    public boolean isEmpty() {
        return audience.all().isEmpty();
    }

    @Override
    public void waitBegan(Activity activity, long beginNanos) {
        List<WaitObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).waitBegan(activity, beginNanos);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long endNanos) {
        List<WaitObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).waitEnded(activity, peer, beginNanos, endNanos);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }
}
