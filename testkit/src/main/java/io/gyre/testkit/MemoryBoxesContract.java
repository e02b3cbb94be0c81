package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.gyre.DisagreementException;
import io.gyre.PeerTimeoutException;
import io.gyre.local.LocalCluster;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The contract of {@link MemoryBoxes}: extend this class to inherit its tests. */
@Timeout(120)
public abstract class MemoryBoxesContract {

    private static final String NAME = "gradients of layer 7";
    private static final int PATIENCE_SECONDS = 30;

    /** Ranks of one host as threads of this JVM, which share memory through the boxes under test. */
    protected abstract LocalCluster cluster(int ranks);

    @Test
    void whatOneRankWritesAllSee() throws Exception {
        cluster(3).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            int own = session.world().rank();
            assertThat(boxes.ranks()).containsExactly(0, 1, 2);
            try (MemoryBox box = boxes.create(NAME, 3 * Double.BYTES)) {
                meet(session, "creation");
                for (int owner = 0; owner < 3; owner++) {
                    if (owner != own) {
                        try (MemoryBox other = boxes.attach(owner, NAME, 3 * Double.BYTES)) {
                            other.region().putDouble((long) own * Double.BYTES, 10 * owner + own);
                        }
                    }
                }
                meet(session, "writing");
                for (int writer = 0; writer < 3; writer++) {
                    assertThat(box.region().getDouble((long) writer * Double.BYTES))
                            .isEqualTo(writer == own ? 0 : 10 * own + writer);
                }
            }
        });
    }

    @Test
    void anAttachWaitsForTheOwnerToCreateTheBox() throws Exception {
        cluster(2).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            if (session.world().rank() == 0) {
                try (MemoryBox ready = boxes.attach(1, "ready", 0);
                        MemoryBox box = boxes.create(NAME, 8)) {
                    assertThat(ready.region().byteLength()).isZero();
                    box.region().putDouble(0, 42);
                    meet(session, "the end");
                }
            } else {
                try (MemoryBox ready = boxes.create("ready", 0);
                        MemoryBox box = boxes.attach(0, NAME, 8)) {
                    assertThat(ready.name()).isEqualTo("ready");
                    meet(session, "the end");
                    assertThat(box.region().getDouble(0)).isEqualTo(42);
                }
            }
        });
    }

    @Test
    void aBoxThatNobodyCreatesIsNamedAfterThePeerTimeout() throws Exception {
        CountDownLatch noticed = new CountDownLatch(1);

        cluster(2).withPeerTimeout(Duration.ofMillis(500)).run(session -> {
            if (session.world().rank() == 0) {
                assertThatExceptionOfType(PeerTimeoutException.class)
                        .isThrownBy(() -> session.endpoint().boxes().attach(1, NAME, 8))
                        .withMessageContaining(NAME)
                        .withMessageContaining("rank 1");
                noticed.countDown();
            } else {
                assertThat(noticed.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .as("rank 0 gave up within %d s", PATIENCE_SECONDS)
                        .isTrue();
            }
        });
    }

    @Test
    void anotherLengthIsADisagreementThatNamesBoth() throws Exception {
        cluster(2).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            try (MemoryBox box = boxes.create(NAME, 100 + session.world().rank())) {
                meet(session, "creation");
                assertThatExceptionOfType(DisagreementException.class)
                        .isThrownBy(() -> boxes.attach(1 - session.world().rank(), NAME, 7))
                        .withMessageContaining(NAME)
                        .withMessageContaining("rank " + (1 - session.world().rank()))
                        .withMessageContaining(101 - session.world().rank() + " bytes")
                        .withMessageContaining(" 7 ");
                meet(session, "the end of " + box.name());
            }
        });
    }

    @Test
    void aNameCanBeUsedAgainWhenItsBoxIsClosed() throws Exception {
        cluster(1).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            MemoryBox first = boxes.create(NAME, 8);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> boxes.create(NAME, 8))
                    .withMessageContaining(NAME);
            first.region().putDouble(0, 1);
            first.close();
            first.close();
            try (MemoryBox second = boxes.create(NAME, 8)) {
                first.close();
                assertThat(second.region().getDouble(0)).isZero();
                assertThatIllegalArgumentException().isThrownBy(() -> boxes.create(NAME, 8));
            }
        });
    }

    @Test
    void aBoxInUseCannotBeClosedAndOneThatIsClosedCannotBeUsed() throws Exception {
        cluster(1).run(session -> {
            MemoryBox box = session.endpoint().boxes().create(NAME, 8);
            Region region = box.region();
            region.enter("a test");
            assertThatIllegalStateException().isThrownBy(box::close).withMessageContaining("a test");
            region.putDouble(0, 3);
            region.exit();
            box.close();
            assertThatIllegalStateException()
                    .isThrownBy(() -> region.getDouble(0))
                    .withMessageContaining(NAME);
        });
    }

    @Test
    void memoryStaysWithThoseWhoHaveItWhenItsOwnerClosesIt() throws Exception {
        cluster(2).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            if (session.world().rank() == 0) {
                MemoryBox box = boxes.create(NAME, 1 << 20);
                box.region().putDouble(8, 5);
                meet(session, "attaching");
                box.close();
                meet(session, "closing");
            } else {
                try (MemoryBox box = boxes.attach(0, NAME, 1 << 20)) {
                    meet(session, "attaching");
                    meet(session, "closing");
                    assertThat(box.region().getDouble(8)).isEqualTo(5);
                }
            }
        });
    }

    @Test
    void boxesThatAreOpenWhenTheSessionClosesEndWithItUnlessTheyAreInUse() throws Exception {
        cluster(1).run(session -> {
            Region unused = session.endpoint().boxes().create(NAME, 8).region();
            Region used = session.endpoint().boxes().create(NAME + " in use", 8).region();
            used.enter("native code");

            session.close();

            assertThatIllegalStateException().isThrownBy(() -> unused.getDouble(0));
            assertThat(used.getDouble(0)).isZero();
            used.exit();
        });
    }

    @Test
    void groupsHaveNamesAndNumbersOfTheirOwn() throws Exception {
        cluster(3).run(session -> {
            int own = session.world().rank();
            if (own > 0) {
                MemoryBoxes group = session.endpoint().group(2, 1).boxes();
                assertThat(group.ranks()).containsExactly(0, 1);
                int inGroup = 2 - own;
                assertThat(group.newName("sum")).isEqualTo("sum-0");
                try (MemoryBox outside = session.endpoint().boxes().create(NAME, 8);
                        MemoryBox box = group.create(NAME, 8);
                        MemoryBox other = group.attach(1 - inGroup, NAME, 8)) {
                    other.region().putDouble(0, own);
                    meet(session, "writing");
                    assertThat(box.region().getDouble(0)).isEqualTo(3 - own);
                    assertThat(outside.region().getDouble(0)).isZero();
                    meet(session, "reading");
                }
            } else {
                meet(session, "writing");
                meet(session, "reading");
            }
        });
    }

    @Test
    void ranksThatAskEquallyOftenGetEqualNewNames() throws Exception {
        cluster(2).run(session -> {
            MemoryBoxes boxes = session.endpoint().boxes();
            assertThat(boxes.newName("vector")).isEqualTo("vector-0");
            assertThat(boxes.newName("vector")).isEqualTo("vector-1");
            assertThat(boxes.newName("slots")).isEqualTo("slots-0");
        });
    }

    /** The same objects can be made on several lanes. */
    @Test
    void lanesMakeDifferentNames() throws Exception {
        cluster(2).run(session -> {
            int peer = 1 - session.world().rank();
            MemoryBoxes first = session.endpoint(0).boxes();
            MemoryBoxes second = session.endpoint(2).boxes();
            String name = first.newName("vector");
            String ofSecond = second.newName("vector");
            assertThat(ofSecond).isNotEqualTo(name);
            try (MemoryBox own = first.create(name, 8);
                    MemoryBox ownOfSecond = second.create(ofSecond, 8);
                    MemoryBox other = first.attach(peer, name, 8);
                    MemoryBox otherOfSecond = second.attach(peer, ofSecond, 8)) {
                own.region().putDouble(0, 1);
                ownOfSecond.region().putDouble(0, 2);
                meet(session, "writing");
                assertThat(other.region().getDouble(0)).isEqualTo(1);
                assertThat(otherOfSecond.region().getDouble(0)).isEqualTo(2);
                meet(session, "reading");
            }
        });
    }

    private static void meet(Session session, String topic) {
        session.exchange(topic, topic.getBytes(StandardCharsets.UTF_8));
    }
}
