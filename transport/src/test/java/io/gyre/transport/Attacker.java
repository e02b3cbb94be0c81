package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/** An attacker who changes, cuts off and repeats what passes between two ranks, in one direction. */
final class Attacker {

    /** How many datagrams it sends. */
    private static final int MOST = 100;

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final SplittableRandom random;
    private final List<byte[]> passed = new ArrayList<>();
    private int attacks;

    Attacker(long seed) {
        random = new SplittableRandom(seed);
    }

    void passes(byte[] datagram, WiredRun run, int receiver, UdpProxy.Way way) throws IOException {
        if (attacks < MOST) {
            attacks++;
            byte[] other = datagram.clone();
            switch (attacks % 4) {
                case 0 -> attack(run, receiver, way, Arrays.copyOf(other, random.nextInt(other.length)));
                case 1 -> {
                    int bit = random.nextInt(other.length * Byte.SIZE);
                    other[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
                    attack(run, receiver, way, other);
                }
                case 2 -> {
                    random.nextBytes(other);
                    attack(run, receiver, way, other);
                }
                default -> attack(run, receiver, way, passed.get(random.nextInt(passed.size())));
            }
        }
        passed.add(datagram);
    }

    /** How many datagrams it has sent. */
    int attacks() {
        return attacks;
    }

    /** Sends a datagram, and waits until it has been dropped: none is lost in a full socket. */
    static void attack(WiredRun run, int rank, UdpProxy.Way way, byte[] datagram) throws IOException {
        synchronized (run.rejections(rank)) {
            long before = run.dropped(rank);
            long deadline = System.nanoTime() + TIMEOUT.toNanos();
            way.send(datagram);
            while (run.dropped(rank) == before) {
                assertThat(System.nanoTime() - deadline)
                        .as("rank %d has accepted a datagram of an attacker, or not received it", rank)
                        .isNegative();
                LockSupport.parkNanos(50_000);
            }
        }
    }
}
