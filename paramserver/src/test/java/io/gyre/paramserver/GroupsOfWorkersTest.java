package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Workers of which only some, the leads of groups, train on the servers. */
@Timeout(60)
class GroupsOfWorkersTest {

    private static final byte[] NOTHING = {};
    private static final int ELEMENTS = 10;

    @Test
    void onlyLeadsTrainAndAllCount() throws Exception {
        Gyre.local(4).run(session -> {
            try (ParameterService service = ParameterService.builder(session)
                    .servers(1)
                    .groups(2)
                    .training(new Training(new BulkSynchronous(), new GradientDescent(1)))
                    .start()) {
                if (service.isServer()) {
                    assertThatIllegalStateException().isThrownBy(service::group);
                    service.serve();
                    return;
                }
                int rank = session.world().rank();
                assertThat(service.groups()).hasToString("[0, 1] [2]");
                assertThat(service.isLead()).isEqualTo(rank != 1);
                assertThat(service.group().world().rank()).isEqualTo(rank % 2);
                ServerCounter counter = service.counter("count");
                counter.getAndAdd(1);
                if (service.isLead()) {
                    ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                    Region w = Region.allocate("w", 4L * ELEMENTS);
                    Region gradient = Region.allocate("gradient", 4L * ELEMENTS);
                    client.start(w);
                    client.resume(0);
                    gradient.putFloat(0, 1f + rank);
                    // In bulk synchrony a step ends when all have pushed: here that is two, not three.
                    client.pushPull(gradient, 0, 1, 0, w);
                    assertThat(w.getFloat(0)).isEqualTo(-2f);
                    client.finish(w);
                } else {
                    assertThatIllegalStateException()
                            .isThrownBy(() -> service.centre("centre", ElementType.FLOAT32, ELEMENTS))
                            .withMessageContaining("rank 1 is not the lead of its group");
                }
                service.workers().exchange("counted", NOTHING);
                assertThat(counter.getAndAdd(0)).isEqualTo(3);
                service.workers().exchange("end", NOTHING);
            }
        });
    }

    /** Otherwise it would wait for the other group, for a step that its own can no longer take. */
    @Test
    void aLeadThatWaitsForAnotherGroupNoticesWhenItsOwnLosesARank() throws Exception {
        Gyre.local(4).run(session -> {
            try (ParameterService service = ParameterService.builder(session)
                    .servers(1)
                    .groups(2)
                    .training(new Training(new StaleSynchronous(1), new GradientDescent(1)))
                    .start()) {
                if (service.isServer()) {
                    service.serve();
                    return;
                }
                if (service.isLead()) {
                    lead(session, service);
                } else {
                    service.outliveThis();
                    service.workers().exchange("ready", NOTHING);
                    session.fail("it has no memory left");
                }
            }
        });
    }

    private static void lead(Session session, ParameterService service) {
        Region w = Region.allocate("w", 4L * ELEMENTS);
        ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
        client.start(w);
        client.resume(0);
        service.workers().exchange("ready", NOTHING);
        if (session.world().rank() == 0) {
            client.beginPull(5);
            assertThatThrownBy(() -> client.awaitPull(w))
                    .isInstanceOf(PeerLostException.class)
                    .hasMessageContainingAll("rank 0 stopped in", "step 5", "rank 1 ", "its group [0, 1]");
        }
    }
}
