package io.gyre.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.runs.RunFiles;
import io.gyre.runs.RunPlan;
import io.gyre.runs.RunState;
import io.gyre.runs.RunWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QueueWorkerTest {

    private static final long GRACE_SECONDS = 40;

    @TempDir
    private Path directory;

    private final TestClock clock = new TestClock();
    private final FakeProcesses processes = new FakeProcesses();
    private final List<String> said = new ArrayList<>();
    private JobQueue queue = new JobQueue(Path.of(""));

    @BeforeEach
    void emptyQueue() {
        queue = new JobQueue(directory.resolve("queue"));
    }

    private QueueWorker worker(int slots, int cores, int gpus) {
        return new QueueWorker(queue, new Room(slots, cores, 1_000, gpus), processes, clock, said::add);
    }

    private int add(int priority, Needs needs, Duration limit, @Nullable Path run) throws IOException {
        return queue.add(id -> new Job(
                        Job.FORMAT,
                        id,
                        "fake",
                        List.of("train", "fake"),
                        directory.toString(),
                        run == null ? null : run.toString(),
                        needs,
                        priority,
                        limit.toSeconds(),
                        GRACE_SECONDS))
                .id();
    }

    private int add(int priority, Needs needs) throws IOException {
        return add(priority, needs, Duration.ZERO, null);
    }

    private int add(int priority) throws IOException {
        return add(priority, new Needs(1, 0, 0));
    }

    private JobProgress progress(int id) throws IOException {
        return queue.numbered(id).readState();
    }

    private JobState state(int id) throws IOException {
        return progress(id).state();
    }

    @Test
    void jobsStartByPriorityAndThenByNumberWhenASlotIsFree() throws IOException {
        for (int priority : new int[] {0, 5, 0, 9}) {
            add(priority);
        }
        QueueWorker worker = worker(2, 8, 0);

        assertThat(worker.turn()).isTrue();
        assertThat(processes.started).containsExactly(4, 2);

        processes.of(4).end(0);
        assertThat(worker.turn()).isTrue();
        assertThat(processes.started).containsExactly(4, 2, 1);

        processes.of(2).end(3);
        processes.of(1).end(0);
        worker.turn();
        processes.of(3).end(0);
        assertThat(worker.turn()).isFalse();

        assertThat(processes.started).containsExactly(4, 2, 1, 3);
        assertThat(state(4)).isEqualTo(JobState.DONE);
        assertThat(progress(2)).returns(JobState.FAILED, JobProgress::state).returns(3, JobProgress::status);
    }

    @Test
    void aSmallJobDoesNotOvertakeALargeOneThatWaits() throws IOException {
        int running = add(0, new Needs(3, 0, 0));
        int large = add(0, new Needs(4, 0, 0));
        int small = add(0, new Needs(1, 0, 0));
        QueueWorker worker = worker(8, 4, 0);

        worker.turn();
        worker.turn();
        assertThat(processes.started).containsExactly(running);

        processes.of(running).end(0);
        worker.turn();
        assertThat(processes.started).containsExactly(running, large);

        processes.of(large).end(0);
        worker.turn();
        assertThat(processes.started).containsExactly(running, large, small);
    }

    @Test
    void aJobThatTheWorkerCanNeverHoldIsLeftWaitingAndDelaysNobody() throws IOException {
        int huge = add(9, new Needs(5, 0, 0));
        int small = add(0);
        QueueWorker worker = worker(8, 4, 0);

        worker.turn();
        worker.turn();
        processes.of(small).end(0);

        assertThat(worker.turn()).as("nothing more to do here").isFalse();
        assertThat(state(huge)).isEqualTo(JobState.WAITING);
        assertThat(said)
                .filteredOn(text -> text.contains("takes 5 cores, which this worker will never have"))
                .hasSize(1);
    }

    @Test
    void gpusAreSharedByHalvesAndOthersGetAWholeOne() throws IOException {
        int half = add(0, new Needs(1, 0, 0.5));
        int whole = add(0, new Needs(1, 0, 1));
        int otherHalf = add(0, new Needs(1, 0, 0.5));
        int third = add(0, new Needs(1, 0, 0.5));
        QueueWorker worker = worker(8, 8, 2);

        worker.turn();

        assertThat(processes.devices).isEqualTo(Map.of(half, List.of(0), whole, List.of(1), otherHalf, List.of(0)));

        processes.of(whole).end(0);
        worker.turn();
        assertThat(processes.devices).containsEntry(third, List.of(1));
    }

    @Test
    void memoryIsCounted() throws IOException {
        add(0, new Needs(1, 600, 0));
        add(0, new Needs(1, 600, 0));

        worker(8, 8, 0).turn();

        assertThat(processes.started).containsExactly(1);
    }

    @Test
    void aWorkerAfterAKilledOneAdoptsWhatRunsAndStartsAnewWhatDoesNot() throws IOException {
        int lives = add(0);
        int died = add(0);
        int ended = add(0);
        worker(3, 8, 0).turn();
        clock.pass(Duration.ofSeconds(7));
        processes.of(died).kill();
        processes.of(ended).end(0);

        QueueWorker next = worker(3, 8, 0);
        next.turn();

        assertThat(processes.started).containsExactly(lives, died, ended, died);
        assertThat(state(ended)).isEqualTo(JobState.DONE);
        assertThat(progress(died)).returns(2, JobProgress::starts).returns(1, JobProgress::losses);
        assertThat(progress(lives)).returns(1, JobProgress::starts);

        processes.of(lives).end(0);
        processes.of(died).end(0);
        next.turn();
        assertThat(state(lives)).isEqualTo(JobState.DONE);
        assertThat(progress(lives).usedSeconds()).isEqualTo(7);
        assertThat(state(died)).isEqualTo(JobState.DONE);
    }

    @Test
    void aJobWhoseProcessDiesAgainAndAgainFails() throws IOException {
        int id = add(0);
        QueueWorker worker = worker(1, 8, 0);
        for (int loss = 0; loss < QueueWorker.MOST_LOSSES; loss++) {
            assertThat(worker.turn()).isTrue();
            processes.of(id).kill();
        }

        assertThat(worker.turn()).isFalse();
        assertThat(state(id)).isEqualTo(JobState.FAILED);
        assertThat(processes.started).hasSize(QueueWorker.MOST_LOSSES);
    }

    @Test
    void atItsTimeLimitAJobIsToldToEndOnceAndKilledAfterTheGrace() throws IOException {
        int id = add(0, new Needs(1, 0, 0), Duration.ofMinutes(1), null);
        QueueWorker worker = worker(1, 8, 0);
        worker.turn();
        FakeProcesses.Fake process = processes.of(id);

        clock.pass(Duration.ofSeconds(59));
        worker.turn();
        assertThat(process.asked).isZero();

        clock.pass(Duration.ofSeconds(1));
        worker.turn();
        worker.turn();
        // Another worker knows that it was asked: a second signal would end it at once.
        worker = worker(1, 8, 0);
        worker.turn();
        clock.pass(Duration.ofSeconds(GRACE_SECONDS));
        worker.turn();
        assertThat(process.asked).isEqualTo(1);
        assertThat(process.isAlive()).isTrue();

        clock.pass(Duration.ofSeconds(1));
        worker.turn();
        assertThat(process.isAlive()).isFalse();
        assertThat(worker.turn()).isFalse();
        assertThat(state(id)).isEqualTo(JobState.TIMED_OUT);
    }

    @Test
    void theLimitIsOfAllProcessesOfAJobTogether() throws IOException {
        int id = add(0, new Needs(1, 0, 0), Duration.ofMinutes(1), null);
        QueueWorker worker = worker(1, 8, 0);
        worker.turn();
        clock.pass(Duration.ofSeconds(50));
        processes.of(id).kill();
        worker.turn();
        clock.pass(Duration.ofSeconds(10));
        worker.turn();

        assertThat(processes.started).containsExactly(id, id);
        assertThat(processes.of(id).asked).isEqualTo(1);
    }

    @Test
    void aJobThatWasDoneWhenItWasToldToEndIsDone() throws IOException {
        int id = add(0, new Needs(1, 0, 0), Duration.ofSeconds(1), null);
        QueueWorker worker = worker(1, 8, 0);
        worker.turn();
        clock.pass(Duration.ofSeconds(1));
        worker.turn();
        processes.of(id).end(0);
        worker.turn();

        assertThat(state(id)).isEqualTo(JobState.DONE);
    }

    @Test
    void cancelledJobsEndAndThoseThatWaitNeverStart() throws IOException {
        int runs = add(0);
        int waits = add(0);
        QueueWorker worker = worker(1, 8, 0);
        worker.turn();

        assertThat(queue.cancel(runs)).isTrue();
        assertThat(queue.cancel(waits)).isTrue();
        worker.turn();
        assertThat(processes.of(runs).asked).isEqualTo(1);
        processes.of(runs).end(143);

        assertThat(worker.turn()).isFalse();
        assertThat(state(runs)).isEqualTo(JobState.CANCELLED);
        assertThat(state(waits)).isEqualTo(JobState.CANCELLED);
        assertThat(processes.started).containsExactly(runs);
        assertThat(queue.cancel(runs)).as("it has ended already").isFalse();
    }

    @Test
    void aWorkerThatClosesLeavesItsJobsToTheNext() throws IOException {
        int runs = add(0);
        int waits = add(0);
        QueueWorker worker = worker(1, 8, 0);
        worker.turn();
        worker.close();
        assertThat(worker.turn()).isTrue();
        processes.of(runs).end(143);
        assertThat(worker.turn()).isFalse();

        assertThat(state(runs)).isEqualTo(JobState.WAITING);
        assertThat(state(waits)).isEqualTo(JobState.WAITING);
        worker(2, 8, 0).turn();
        assertThat(processes.started).containsExactly(runs, runs, waits);
        assertThat(progress(runs).losses()).isZero();
    }

    @Test
    void aHurryingWorkerKillsWhatHasNotEnded() throws IOException {
        int id = add(0);
        QueueWorker worker = worker(1, 8, 0);
        worker.turn();
        worker.close();
        worker.turn();
        worker.hurry();
        worker.turn();

        assertThat(processes.of(id).isAlive()).isFalse();
    }

    @Test
    void aJobWaitsForWhateverStillWorksOnItsRun() throws IOException {
        RunFiles run = new RunFiles(directory.resolve("run"));
        int id = add(0, new Needs(1, 0, 0), Duration.ZERO, run.directory());
        int other = add(0);
        QueueWorker worker = worker(2, 8, 0);
        RunPlan plan = new RunPlan(null, List.of("train"), Map.of(), List.of("here"), false);
        try (RunWriter writer = RunWriter.open(run, plan, false)) {
            worker.turn();
            assertThat(processes.started).containsExactly(other);
            writer.end(RunState.STOPPED, 0, 0, 0, Map.of());
        }
        worker.turn();

        assertThat(processes.started).containsExactly(other, id);
    }

    @Test
    void aDamagedJobIsNamedAndDelaysNobody() throws IOException {
        int damaged = add(9);
        int good = add(0);
        Files.writeString(queue.numbered(damaged).job(), "{");

        worker(1, 8, 0).turn();

        assertThat(processes.started).containsExactly(good);
        assertThat(said).anyMatch(text -> text.contains("job.json is damaged"));
    }
}
