package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Value;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plays random schedules of joins, exchanges, leaves, losses and stalls, and checks the invariants after each of them.
 */
class CoordinatorScheduleTest {

    private static final int SCHEDULES_PER_SEED = 400;
    private static final int EVENTS = 200;

    static LongStream seeds() {
        return LongStream.range(0, 10);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void everybodySeesTheSameRun(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int completed = 0;
        int lost = 0;
        int rounds = 0;
        for (int i = 0; i < SCHEDULES_PER_SEED; i++) {
            Schedule schedule = new Schedule(random.split());
            schedule.play();
            schedule.check();
            completed += schedule.completed() ? 1 : 0;
            lost += schedule.lost() ? 1 : 0;
            rounds += schedule.rounds();
        }
        // A schedule in which nothing happens would satisfy anything.
        assertThat(completed).as("runs that came about").isGreaterThan(SCHEDULES_PER_SEED / 4);
        assertThat(lost).as("runs that lost a rank").isGreaterThan(SCHEDULES_PER_SEED / 4);
        assertThat(rounds).as("rounds of exchange").isGreaterThan(SCHEDULES_PER_SEED);
    }

    /** One rank's life, as its process would live it. */
    private static final class Life {
        boolean joined;
        boolean ready;
        boolean rostered;
        boolean offering;
        boolean gone;
        boolean leaving;
        final List<Message> words = new ArrayList<>();
        final List<Value> values = new ArrayList<>();
    }

    private static final class Schedule {
        private final SplittableRandom random;
        private final int worldSize;
        private final Played played;
        private final List<Life> lives = new ArrayList<>();
        private final double danger;

        Schedule(SplittableRandom random) {
            this.random = random;
            worldSize = 1 + random.nextInt(5);
            danger = random.nextBoolean() ? 0.01 : 0.0005;
            played = new Played(worldSize);
            for (int i = 0; i < worldSize; i++) {
                lives.add(new Life());
            }
        }

        void play() {
            for (int i = 0; i < EVENTS; i++) {
                int rank = random.nextInt(worldSize);
                if (!lives.get(rank).gone) {
                    act(rank, lives.get(rank));
                }
                if (random.nextInt(20) == 0) {
                    pass();
                }
                deliver();
            }
        }

        private void act(int rank, Life life) {
            if (random.nextDouble() < danger) {
                die(rank, life);
            } else if (!life.joined) {
                life.joined = true;
                int wanted = random.nextInt(4) == 0 ? Message.ANY_RANK : rank;
                played.join(
                        rank,
                        new Join(
                                Message.PROTOCOL_VERSION,
                                worldSize,
                                new Member(wanted, "host" + rank, 100 + rank),
                                Map.of()));
            } else if (!life.ready) {
                life.ready = true;
                played.ready(rank);
            } else if (life.rostered && !life.offering && !life.leaving) {
                if (random.nextDouble() < danger) {
                    life.leaving = true;
                    played.leave(rank);
                } else {
                    life.offering = true;
                    int round = life.values.size() / worldSize;
                    played.offer(rank, "round " + round, "" + rank);
                }
            }
        }

        private void die(int rank, Life life) {
            life.gone = true;
            if (random.nextBoolean()) {
                played.receive(rank, new Failed("on purpose"));
            }
            played.disconnect(rank);
        }

        private void pass() {
            for (int rank = 0; rank < worldSize; rank++) {
                if (lives.get(rank).joined && !lives.get(rank).gone) {
                    played.answer(rank);
                }
            }
            played.stall(random.nextInt(10) == 0 ? Duration.ofSeconds(3) : Coordinator.TICK);
        }

        private void deliver() {
            for (int rank = 0; rank < worldSize; rank++) {
                Life life = lives.get(rank);
                for (Message message : played.takeWords(rank)) {
                    life.words.add(message);
                    if (message instanceof Roster) {
                        assertThat(life.rostered).as("a second roster").isFalse();
                        life.rostered = true;
                    } else if (message instanceof Value value) {
                        life.values.add(value);
                        life.offering = life.values.size() % worldSize != 0;
                    }
                }
            }
        }

        void check() {
            List<Lost> verdicts = new ArrayList<>();
            for (Life life : lives) {
                List<Lost> lost = wordsOf(life, Lost.class);
                List<Left> left = wordsOf(life, Left.class);
                List<Refused> refused = wordsOf(life, Refused.class);
                verdicts.addAll(lost);
                assertThat(left.stream().distinct().toList()).as("departures").isEqualTo(left);
                assertThat(refused)
                        .as("refusals, where everybody fits")
                        .allMatch(refusal -> refusal.reason().contains("too late: the run has lost"));
                checkValues(life);
            }
            assertThat(verdicts.stream().distinct()).as("different verdicts").hasSizeLessThan(2);
            for (Life life : lives) {
                if (!verdicts.isEmpty() && life.joined && !life.gone) {
                    int told = wordsOf(life, Lost.class).size()
                            + wordsOf(life, Refused.class).size();
                    assertThat(told).as("how often a rank that lives was told").isEqualTo(1);
                }
            }
            assertThat(lives.stream()
                            .flatMap(life -> wordsOf(life, Roster.class).stream())
                            .map(Roster::seats)
                            .distinct())
                    .as("different rosters")
                    .hasSizeLessThan(2);
        }

        private void checkValues(Life life) {
            for (int i = 0; i < life.values.size(); i++) {
                assertThat(life.values.get(i).rank()).as("rank of value %d", i).isEqualTo(i % worldSize);
            }
        }

        private static <T extends Message> List<T> wordsOf(Life life, Class<T> type) {
            return life.words.stream().filter(type::isInstance).map(type::cast).toList();
        }

        boolean completed() {
            return lives.stream().anyMatch(life -> life.rostered);
        }

        boolean lost() {
            return lives.stream().anyMatch(life -> !wordsOf(life, Lost.class).isEmpty());
        }

        int rounds() {
            return lives.get(0).values.size() / worldSize;
        }
    }
}
