package io.gyre.training;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.network.Audience;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tells several observers, each until it throws: {@link Audience} has the rules. The loops are written out, since a
 * lambda would be allocated for each event.
 */
public final class StepObservers implements StepObserver {

    private final Audience<StepObserver> audience;

    /** Creates it; the observers are borrowed. */
    public StepObservers(List<? extends StepObserver> observers) {
        audience = new Audience<>(observers);
    }

    /** Whether nobody listens. */
    public boolean isEmpty() {
        return audience.all().isEmpty();
    }

    @Override
    public void trainingBegan(World world, List<Member> members) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).trainingBegan(world, members);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void epochBegan(long step, int epoch) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).epochBegan(step, epoch);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void phaseBegan(long step, StepPhase phase, long nanos) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).phaseBegan(step, phase, nanos);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).phaseEnded(step, phase, beginNanos, endNanos);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).bucketReduced(step, bucket, beginNanos, endNanos);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void pushed(long step, long staleness) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).pushed(step, staleness);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).stepEnded(step, total, bytesSent);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void memoryUsed(long step, long heapBytes, long residentBytes) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).memoryUsed(step, heapBytes, residentBytes);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void memberEnded(long step, Member member) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).memberEnded(step, member);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void memberReturned(long step, Member member) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).memberReturned(step, member);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void stepsEnded(long maxStaleness) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).stepsEnded(maxStaleness);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void stalled(long step, String report) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).stalled(step, report);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void trainingFailed(long step, Throwable failure) {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).trainingFailed(step, failure);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void trainingEnded() {
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).trainingEnded();
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }

    @Override
    public void waitBegan(Activity activity, long beginNanos) {
        List<StepObserver> all = audience.all();
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
        List<StepObserver> all = audience.all();
        for (int i = 0; i < all.size(); i++) {
            try {
                all.get(i).waitEnded(activity, peer, beginNanos, endNanos);
            } catch (RuntimeException | Error e) {
                audience.failed(all.get(i), e);
            }
        }
    }
}
