package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

@Timeout(60)
class LoadAheadTest {

    private static final Share NOTHING = Share.own(null, false);

    private static Share share() {
        return Share.own(new DataSet(Nd4j.ones(1, 1), Nd4j.ones(1, 1)).toMultiDataSet(), false);
    }

    @Test
    void sharesComeInTheirOrder() {
        List<Share> shares = List.of(share(), NOTHING, share());

        try (LoadAhead ahead = new LoadAhead(shares.iterator(), 0)) {
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

        try (LoadAhead ahead = new LoadAhead(failing, 0)) {
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

        try (LoadAhead ahead = new LoadAhead(counting, 0)) {
            // Two in the queue, and one in the loader's hand.
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

        LoadAhead ahead = new LoadAhead(slow, 3);
        assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(loader.get().getName()).isEqualTo("gyre-loader-3");
        ahead.close();

        assertThat(loader.get().isAlive()).isFalse();
    }
}
