package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ReservationTest {

    /** A fifth more than requested must be free: two of 400 fit, three do not. */
    private static final StorageSpace SPACE = directory -> 1_000;

    @TempDir
    Path parent;

    private UserLock user;
    private Path mine;

    @BeforeEach
    void createDirectories() throws IOException {
        user = new UserLock(parent);
        mine = Files.createDirectories(user.home().resolve("1-1-r0-mine"));
    }

    private Reservation reserve(long bytes, String purpose) throws IOException {
        return Reservation.of(user, mine, SPACE, bytes, purpose);
    }

    @Test
    void whoComesLaterWaitsForWhatIsReservedUntilItIsFilled() throws Exception {
        Files.createFile(mine.resolve("alive"));
        try (RunDirectory other = RunDirectory.create(parent, "other")) {
            mine = other.path();
            Reservation first = reserve(400, "the first");
            try (Reservation second = reserve(400, "the second")) {
                assertThat(second).isNotNull();
                AtomicInteger looks = new AtomicInteger();
                StorageSpace watched = directory -> {
                    looks.incrementAndGet();
                    return SPACE.usableBytes(directory);
                };
                CompletableFuture<Reservation> third =
                        OwnThread.call(() -> Reservation.of(user, mine, watched, 400, "the third"));
                Eventually.that("the third has looked for room in vain", () -> looks.get() > 2);
                assertThat(third).isNotDone();

                first.close();
                first.close();

                third.get(30, TimeUnit.SECONDS).close();
            }
            assertThat(mine).isDirectoryNotContaining("glob:**reserved-*");
        }
    }

    @Test
    void whatIsReservedIsAsLongAsTheRoomAndTakesNone() throws IOException {
        long huge = 1L << 40;
        StorageSpace vast = directory -> 1L << 42;

        try (Reservation reservation = Reservation.of(user, mine, vast, huge, "a huge box")) {
            assertThat(reservation).isNotNull();
            assertThat(mine).isDirectoryContaining(file -> file.toFile().length() == huge);
        }
        assertThat(mine).isEmptyDirectory();
    }

    @Test
    void roomThatIsNotThereIsNotWaitedFor() {
        assertThatThrownBy(() -> reserve(900, "a box"))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("a box needs 1080 bytes")
                .hasMessageContaining("1000 are available");
        assertThat(mine).isEmptyDirectory();
    }

    @Test
    void whatTheDeadHaveReservedIsFree() throws Exception {
        Files.createFile(mine.resolve("alive"));
        Reservation ofTheDead = reserve(800, "theirs");
        assertThat(ofTheDead).isNotNull();
        Path dead = mine;

        try (RunDirectory living = RunDirectory.create(parent, "living")) {
            mine = living.path();
            reserve(800, "mine").close();
        }
        assertThat(dead).doesNotExist();
    }
}
