package io.gyre.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.PeerLostException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UserCodeTest {

    private final UserCode code = new UserCode();

    @AfterEach
    void forgetInterrupts() {
        boolean unused = Thread.interrupted();
    }

    private static PeerLostException lost(Object doing) {
        return new PeerLostException(0, new Member(1, "there", 7), "it was killed", doing.toString());
    }

    @Test
    void anInterruptDoesNotOutlastTheStay() {
        code.enter("a listener", 3);
        assertThat(code.breakOff()).isTrue();
        assertThat(Thread.currentThread().isInterrupted()).isTrue();

        code.leave();

        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(code.isInside()).isFalse();
    }

    @Test
    void aFlagThatTheProgramHadSetStays() {
        Thread.currentThread().interrupt();
        code.enter("a listener", 3);
        code.breakOff();
        code.leave();

        assertThat(Thread.currentThread().isInterrupted()).isTrue();
    }

    @Test
    void outsideNobodyIsInterrupted() {
        assertThat(code.breakOff()).isFalse();
        code.enter("a listener", 3);
        code.leave();
        code.leave();
        assertThat(code.breakOff()).isFalse();

        assertThat(Thread.currentThread().isInterrupted()).isFalse();
    }

    @Test
    void whatAStayThatWasBrokenOffFailsWithIsTheLoss() {
        RuntimeException thrown = new IllegalStateException("interrupted");
        code.enter("a listener", 3);
        code.breakOff();
        code.leave();

        Throwable explained = code.explain(thrown, doing -> {
            throw lost(doing);
        });

        assertThat(explained)
                .isInstanceOf(PeerLostException.class)
                .hasMessageStartingWith("rank 0 stopped in a listener of step 3: rank 1 (host there, pid 7) was lost")
                .hasCause(thrown);
    }

    @Test
    void soIsWhatFailsByTheInterruptOfSomebodyElse() {
        RuntimeException thrown = new IllegalStateException(new InterruptedException());
        code.enter("a listener", 3);
        code.leave();

        Throwable explained = code.explain(thrown, doing -> {
            throw lost(doing);
        });

        assertThat(explained).isInstanceOf(PeerLostException.class).hasCause(thrown);
    }

    @Test
    void otherFailuresAreLeftAlone() {
        RuntimeException thrown = new IllegalStateException("a fault of its own");
        code.enter("a listener", 3);
        code.leave();

        assertThat(code.explain(thrown, doing -> {
                    throw lost(doing);
                }))
                .isSameAs(thrown);
    }

    /** An interrupt that came after the thread has left would hit whatever it does then. */
    @Test
    void noInterruptComesLate() throws Exception {
        AtomicBoolean late = new AtomicBoolean();
        AtomicBoolean enough = new AtomicBoolean();
        Thread worker = new Thread(() -> {
            for (int stay = 0; !enough.get(); stay++) {
                code.enter("a listener", stay);
                code.leave();
                if (Thread.currentThread().isInterrupted()) {
                    late.set(true);
                }
            }
        });
        worker.start();
        int hits = 0;
        while (hits < 10_000) {
            hits += code.breakOff() ? 1 : 0;
        }
        enough.set(true);
        worker.join();

        assertThat(late).isFalse();
    }
}
