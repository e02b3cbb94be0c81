package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.World;
import io.gyre.session.Session;
import java.lang.reflect.Proxy;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

@Timeout(60)
class LoadAheadTest {

    private static final Share NOTHING = Share.own(null, false);
    /** Whether the run has lost rank 1. */
    private volatile boolean lost;

    private LossWatch watch() {
        Session session = (Session) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Session.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "world" -> new World(0, 2);
                    case "hasEnded" -> false;
                    case "isWhole" -> !lost;
                    case "check" -> check(arguments[0]);
                    default -> throw new UnsupportedOperationException(method.toString());
                });
        return new LossWatch(session, session);
    }

    private @Nullable Object check(Object doing) {
        if (lost) {
            throw new PeerLostException(0, new Member(1, "there", 7), "it was killed", doing.toString());
        }
        return null;
    }

    private static Share share() {
        return Share.own(new DataSet(Nd4j.ones(1, 1), Nd4j.ones(1, 1)).toMultiDataSet(), false);
    }

    @Test
    void sharesComeInTheirOrder() {
        List<Share> shares = List.of(share(), NOTHING, share());

        try (LoadAhead ahead = new LoadAhead(shares.iterator(), watch(), 0)) {
            assertThat(ahead).toIterable().containsExactlyElementsOf(shares);
        }
    }

    @Test
    void aFailureOfTheSourceIsThrownWhereTheBatchIsWanted() {
        Iterator<Share> failing = new Iterator<>() {
            private boolean first = true;

            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Share next() {
                if (first) {
                    first = false;
                    return NOTHING;
                }
                throw new IllegalStateException("image 7 is damaged");
            }
        };

        try (LoadAhead ahead = new LoadAhead(failing, watch(), 0)) {
            assertThat(ahead.next()).isSameAs(NOTHING);
            assertThatThrownBy(ahead::hasNext).hasMessage("image 7 is damaged");
        }
    }

    @Test
    void atMostTwoAreLoadedBeforeTheyAreWanted() throws Exception {
        AtomicInteger loaded = new AtomicInteger();
        CountDownLatch third = new CountDownLatch(3);
        Iterator<Share> counting = new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Share next() {
                loaded.incrementAndGet();
                third.countDown();
                return NOTHING;
            }
        };

        try (LoadAhead ahead = new LoadAhead(counting, watch(), 0)) {
            // Two in the queue, and one held by the loader.
            assertThat(third.await(30, TimeUnit.SECONDS)).isTrue();
            ahead.next();
            assertThat(loaded.get()).isBetween(3, 4);
        }
    }

    @Test
    void closingEndsALoaderThatIsInTheMiddleOfABatch() throws Exception {
        AtomicReference<Thread> loader = new AtomicReference<>();
        CountDownLatch begun = new CountDownLatch(1);
        Iterator<Share> slow = new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Share next() {
                loader.set(Thread.currentThread());
                begun.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    throw new GyreException("interrupted", e);
                }
                return NOTHING;
            }
        };

        LoadAhead ahead = new LoadAhead(slow, watch(), 3);
        assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(loader.get().getName()).isEqualTo("gyre-loader-3");
        ahead.close();

        assertThat(loader.get().isAlive()).isFalse();
    }

    /** Until it is released, whatever interrupts it. */
    private static final class HangingPass implements Iterator<Share> {

        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);

        @Override
        public boolean hasNext() {
            return true;
        }

        @Override
        public Share next() {
            begun.countDown();
            boolean waiting = true;
            while (waiting) {
                try {
                    released.await();
                    waiting = false;
                } catch (InterruptedException e) {
                    // Like a program that ignores interrupts.
                }
            }
            return NOTHING;
        }
    }

    @Test
    void theLossOfARankEndsTheWaitForABatch() throws Exception {
        HangingPass hanging = new HangingPass();
        try (LoadAhead ahead = new LoadAhead(hanging, watch(), 0)) {
            ahead.forStep(12);
            assertThat(hanging.begun.await(30, TimeUnit.SECONDS)).isTrue();
            lost = true;

            assertThatThrownBy(ahead::hasNext)
                    .isInstanceOf(PeerLostException.class)
                    .hasMessageContaining(
                            "rank 0 stopped in the wait for its data, step 12: rank 1 (host there, pid 7)");
        } finally {
            hanging.released.countDown();
        }
    }

    @Test
    void aLoaderThatHangsHoldsUpTheNextPassAndNotTheEndOfItsOwn() throws Exception {
        HangingPass hanging = new HangingPass();
        LoadAhead ahead = new LoadAhead(hanging, watch(), 0);
        assertThat(hanging.begun.await(30, TimeUnit.SECONDS)).isTrue();
        ahead.close();

        lost = true;
        assertThatThrownBy(ahead::awaitStraggler)
                .isInstanceOf(PeerLostException.class)
                .hasMessageContaining("the end of the last pass over the data");
        lost = false;
        hanging.released.countDown();
        ahead.awaitStraggler();
    }
}
