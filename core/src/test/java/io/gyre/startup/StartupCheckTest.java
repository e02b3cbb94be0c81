package io.gyre.startup;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.session.Session;
import io.gyre.startup.StartupCheck.Links;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The check among ranks of this JVM. */
@Timeout(60)
class StartupCheckTest {

    @ParameterizedTest
    @EnumSource(Links.class)
    void allRanksGetTheSameTableAndLaneZeroIsIdleAfterwards(Links links) throws Exception {
        List<StartupTable> tables = Gyre.local(3).call(session -> {
            StartupTable table = StartupCheck.run(session, 2, links);
            assertNothingIsOnTheWay(session);
            return table;
        });

        assertThat(tables).containsOnly(tables.get(0));
        assertThat(tables.get(0).ranks()).extracting(RankFacts::rank).containsExactly(0, 1, 2);
        assertThat(tables.get(0).ranks()).allSatisfy(rank -> {
            assertThat(rank.memoryOf()).isZero();
            assertThat(rank.host().threads()).isEqualTo(2);
            assertThat(rank.host().cores()).isEqualTo(Runtime.getRuntime().availableProcessors());
            assertThat(rank.speed().mixesPerSecond()).isPositive();
            assertThat(rank.speed().copiedBytesPerSecond()).isPositive();
        });
        if (links == Links.NONE) {
            assertThat(tables.get(0).links()).isEmpty();
        } else {
            assertThat(tables.get(0).links()).singleElement().satisfies(link -> {
                assertThat(link.kind()).isEqualTo("shared memory");
                assertThat(link.isMemory()).isTrue();
                assertThat(link.delayNanos()).isPositive();
            });
        }
    }

    @Test
    void oneRankChecksItsHost() throws Exception {
        StartupTable table = Gyre.local(1)
                .call(session -> StartupCheck.run(session, 1, Links.EVERY_PAIR))
                .get(0);

        assertThat(table.ranks()).hasSize(1);
        assertThat(table.links()).isEmpty();
    }

    @Test
    void aGroupNumbersItsRanksFromZero() throws Exception {
        Gyre.local(3).run(session -> {
            if (session.world().rank() > 0) {
                StartupTable table = StartupCheck.run(session.group(List.of(1, 2)), 1, Links.NEIGHBOURS);
                assertThat(table.ranks()).extracting(RankFacts::rank).containsExactly(0, 1);
                assertThat(table.links()).hasSize(1);
            }
        });
    }

    @Test
    void aLinkIsMeasuredInFramesAndKeepsNone() throws Exception {
        List<Link> links = Gyre.local(2).call(session -> {
            LinkProbe probe = new LinkProbe(session.endpoint());
            Link link = new Link(1, 0, "none", 1, 1, ClockDifference.NONE);
            for (int round = 0; round < 3; round++) {
                if (session.world().isRoot()) {
                    link = probe.measure(1, "queues", TimeUnit.MILLISECONDS.toNanos(20));
                } else {
                    probe.answer(0);
                }
            }
            assertNothingIsOnTheWay(session);
            return link;
        });

        Link link = links.get(0);
        assertThat(link.from()).isZero();
        assertThat(link.to()).isEqualTo(1);
        assertThat(link.bytesPerSecond()).isPositive();
        // Both ranks have the clock of this JVM.
        assertThat(Math.abs(link.clock().nanos()))
                .isLessThanOrEqualTo(link.clock().errorNanos());
    }

    /** The next frame of every peer is the one that it sends now. */
    private static void assertNothingIsOnTheWay(Session session) {
        Endpoint endpoint = session.endpoint();
        ByteBuffer word = ByteBuffer.allocateDirect(5);
        Activity activity = new Activity();
        Frame frame = new Frame();
        session.exchange("the check is over", new byte[0]);
        int own = session.world().rank();
        for (int peer = 0; peer < session.world().size(); peer++) {
            if (peer != own) {
                word.put(0, "hello".getBytes(StandardCharsets.UTF_8));
                frame.set(Frame.Kind.DATA, 99, own, peer, 5, 5);
                while (!endpoint.sender(peer).offer(frame, word, 0)) {
                    endpoint.await(0, activity);
                }
            }
        }
        endpoint.flush(activity);
        for (int peer = 0; peer < session.world().size(); peer++) {
            if (peer != own) {
                int from = peer;
                int frames = 0;
                while (frames == 0) {
                    frames = endpoint.receiver(peer)
                            .poll(
                                    (got, bytes, offset) -> {
                                        got.expect(Frame.Kind.DATA, 99, from, own, 5, 5, activity);
                                        return false;
                                    },
                                    1);
                    endpoint.await(frames, activity);
                }
            }
        }
    }

    @Test
    void factsComeFromTheFilesOfTheKernel(@TempDir Path root) throws Exception {
        write(root, "proc/meminfo", "MemTotal:       2048 kB\nMemFree:  1 kB\nMemAvailable:    1024 kB\n");
        write(root, "proc/sys/kernel/random/boot_id", "4711\n");
        int cores = Runtime.getRuntime().availableProcessors();
        write(root, "proc/self/status", "Name:\tjava\nCpus_allowed_list:\t1-" + cores + "\n");

        HostFacts facts = HostFacts.here(3, root);

        assertThat(facts.memoryBytes()).isEqualTo(2 << 20);
        assertThat(facts.availableBytes()).isEqualTo(1 << 20);
        assertThat(facts.machine()).isEqualTo("4711");
        assertThat(facts.cpus()).isEqualTo("1-" + cores);
        assertThat(facts.sharedBytes()).isEqualTo(HostFacts.UNKNOWN);
        write(root, "proc/self/status", "Cpus_allowed_list:\t0,2-" + (cores + 7) + "\n");
        assertThat(HostFacts.here(3, root).cpus())
                .as("a part of the cores' time")
                .isEmpty();
    }

    private static void write(Path root, String file, String text) throws Exception {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }
}
