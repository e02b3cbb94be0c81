package io.gyre.live;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.runs.DurableFile;
import io.gyre.runs.RunFiles;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepPlace;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what a rank does into the run directory, once a second: {@link RankState}. A rank that hangs is written as it
 * hangs, and one whose process is stopped falls silent, which a reader sees.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>As {@link StepObserver}; what it hears is only added up. A daemon thread writes, from {@link #open} to
 *       {@link #close}.
 *   <dt>Failure
 *   <dd>If the file cannot be written, that is one warning, and the training goes on.
 *   <dt>Cost
 *   <dd>A file of at most some 40 KB is replaced each second; nothing is allocated on the threads that train.
 * </dl>
 */
public final class RankReporter implements StepObserver, AutoCloseable {

    /** How often a rank writes. */
    static final Duration INTERVAL = Duration.ofSeconds(1);

    /** After this time without a sample, this process was stopped. */
    private static final Duration LONG = INTERVAL.multipliedBy(2);

    private static final Logger LOG = LoggerFactory.getLogger(RankReporter.class);
    private static final int MOST_NEWS = 50;
    private static final int LONGEST_REPORT = 16_000;
    private static final int NO_RANK = -1;
    private static final long NOT_PUSHED = -1;
    private static final long CLOSE_MILLIS = 5_000;

    private final RunFiles files;
    private final HeldRanks held;
    private final StepPlace place = new StepPlace();
    private final RankHistory history = new RankHistory();
    private final AtomicLongArray waitedNanos;
    private final AtomicLong reduceNanos = new AtomicLong();
    private final AtomicLong bucketNanos = new AtomicLong();
    private final AtomicLong otherNanos = new AtomicLong();
    private final AtomicLong staleness = new AtomicLong(NOT_PUSHED);
    private final Deque<String> news = new ArrayDeque<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread writer;

    // Of the last sample. The time is read by threads that wait.
    private volatile long sampledNanos = System.nanoTime();
    private long sampledSteps;
    private long sampledReduce;
    private long sampledBuckets;
    private long sampledOther;
    private final long[] sampledWaits;

    private volatile RankState.@Nullable Stall stall;
    private volatile @Nullable String failure;
    private volatile long heapBytes;
    private volatile long residentBytes;
    private boolean failed;

    /** The last place of each rank's waits is for no particular rank. */
    private RankReporter(RunFiles files, HeldRanks held, int ranks, String thread) {
        this.files = files;
        this.held = held;
        waitedNanos = new AtomicLongArray(ranks + 1);
        sampledWaits = new long[ranks + 1];
        writer = new Thread(this::writeUntilClosed, thread);
        writer.setDaemon(true);
    }

    /**
     * Begins to report.
     *
     * @param files of the run, in a directory that this rank's host can write
     * @param ranks number of ranks
     * @throws IOException if it cannot be written
     */
    public static RankReporter open(RunFiles files, Member own, int ranks) throws IOException {
        return open(files, new HeldRanks(files, own), ranks, "gyre-ranks-" + own.rank());
    }

    /**
     * As {@link #open}, for a process of a run with seats: it reports on each rank that it holds, from the beginning of
     * a generation to its end.
     */
    public static RankReporter openForSeats(RunFiles files, int seats) throws IOException {
        return open(files, new HeldRanks(files), seats, "gyre-ranks");
    }

    private static RankReporter open(RunFiles files, HeldRanks held, int ranks, String thread) throws IOException {
        Files.createDirectories(files.ranks());
        RankReporter reporter = new RankReporter(files, held, ranks, thread);
        reporter.writer.start();
        return reporter;
    }

    private void writeUntilClosed() {
        try {
            while (!failed && !closing.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                sample(false);
            }
        } catch (InterruptedException e) {
            LOG.debug("told to end", e);
        }
    }

    /** Writes the state as it is now. Called by the writing thread, and after its end. */
    private void sample(boolean ended) {
        long now = System.nanoTime();
        boolean slept = now - sampledNanos > LONG.toNanos();
        StepPlace.Wait wait = place.waiting();
        if (wait != null) {
            // What has passed of it belongs to this sample; its end adds the rest.
            waitedNanos.addAndGet(index(wait.peer()), Math.max(0, now - Math.max(wait.sinceNanos(), sampledNanos)));
        }
        long steps = place.stepsEnded();
        long newSteps = steps - sampledSteps;
        history.add(column(now, newSteps));
        RankState.Stall last = stall;
        if (last != null && newSteps > 0 && !last.over()) {
            stall = new RankState.Stall(last.step(), last.report(), true);
        }
        sampledSteps = steps;
        sampledNanos = now;
        try {
            held.write(rank -> state(rank, now, wait, ended), ended, slept);
        } catch (IOException e) {
            failed = true;
            LOG.warn(
                    "{} cannot be written: {}. The training goes on, and a page that shows it has no more of this rank",
                    files.ranks(),
                    DurableFile.reason(e));
        }
    }

    private RankHistory.Column column(long now, long steps) {
        double nanos = Math.max(1, now - sampledNanos);
        long waited = 0;
        long longest = 0;
        int awaited = NO_RANK;
        for (int i = 0; i < sampledWaits.length; i++) {
            long sum = waitedNanos.get(i);
            long here = sum - sampledWaits[i];
            sampledWaits[i] = sum;
            waited += here;
            if (here > longest) {
                longest = here;
                awaited = i == sampledWaits.length - 1 ? NO_RANK : i;
            }
        }
        long reduce = reduceNanos.get();
        long buckets = bucketNanos.get();
        long other = otherNanos.get();
        double exposed = (reduce - sampledReduce) + (other - sampledOther);
        double hidden = Math.max(0, (buckets - sampledBuckets) - (reduce - sampledReduce));
        sampledReduce = reduce;
        sampledBuckets = buckets;
        sampledOther = other;
        double perStep = steps == 0 ? 0 : 1 / (1e6 * steps);
        return new RankHistory.Column(
                nanos / 1e9,
                steps,
                waited / nanos,
                awaited,
                exposed * perStep,
                hidden * perStep,
                staleness.getAndSet(NOT_PUSHED));
    }

    private RankState state(Member rank, long now, StepPlace.@Nullable Wait wait, boolean ended) {
        long position = place.position();
        Map<Integer, Double> waits = new TreeMap<>();
        for (int i = 0; i < sampledWaits.length - 1; i++) {
            if (sampledWaits[i] > 0) {
                waits.put(i, Math.rint(sampledWaits[i] / 1e6) / 1e3);
            }
        }
        List<String> newsSoFar;
        synchronized (news) {
            newsSoFar = List.copyOf(news);
        }
        return new RankState(
                rank.rank(),
                rank.host(),
                rank.pid(),
                System.currentTimeMillis(),
                ended,
                position < 0 ? -1 : StepPlace.stepAt(position),
                position < 0 ? "" : StepPlace.phaseAt(position).name().toLowerCase(Locale.ROOT),
                wait == null || ended ? null : described(wait, now),
                waits,
                history.columns(),
                stall,
                failure,
                newsSoFar,
                heapBytes,
                residentBytes);
    }

    private static RankState.Wait described(StepPlace.Wait wait, long now) {
        String operation = wait.operation() + (wait.bucket() < 0 ? "" : " of bucket " + wait.bucket());
        Member peer = wait.peer();
        return new RankState.Wait(peer == null ? NO_RANK : peer.rank(), operation, (now - wait.sinceNanos()) / 1e9);
    }

    private int index(@Nullable Member peer) {
        int last = waitedNanos.length() - 1;
        return peer == null ? last : Math.min(peer.rank(), last);
    }

    @Override
    public void trainingBegan(World world, List<Member> members) {
        // With seats: what ended the generation before did not end the training.
        failure = null;
        held.begin(world, members);
    }

    @Override
    public void trainingEnded() {
        held.end();
    }

    @Override
    public void epochBegan(long step, int epoch) {
        place.begin(step);
    }

    @Override
    public void phaseBegan(long step, StepPhase phase, long nanos) {
        place.enter(step, phase);
    }

    @Override
    public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
        if (phase == StepPhase.REDUCE) {
            reduceNanos.addAndGet(endNanos - beginNanos);
        } else if (phase == StepPhase.BEFORE || phase == StepPhase.AFTER) {
            otherNanos.addAndGet(endNanos - beginNanos);
        }
    }

    @Override
    public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
        bucketNanos.addAndGet(endNanos - beginNanos);
    }

    @Override
    public void waitBegan(Activity activity, long beginNanos) {
        place.waitBegan(activity, beginNanos);
    }

    @Override
    public void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long endNanos) {
        place.waitEnded(activity, peer, beginNanos, endNanos);
        waitedNanos.addAndGet(index(peer), Math.max(0, endNanos - Math.max(beginNanos, sampledNanos)));
    }

    @Override
    public void pushed(long step, long stale) {
        if (stale > staleness.get()) {
            staleness.set(stale);
        }
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        place.stepEnded();
    }

    @Override
    public void memoryUsed(long step, long heap, long resident) {
        heapBytes = heap;
        residentBytes = resident;
    }

    @Override
    public void memberEnded(long step, Member member) {
        tell("step " + step + ": " + member + " has ended");
    }

    @Override
    public void memberReturned(long step, Member member) {
        tell("step " + step + ": " + member + " has returned");
    }

    private void tell(String line) {
        synchronized (news) {
            if (news.size() == MOST_NEWS) {
                news.removeFirst();
            }
            news.addLast(line);
        }
    }

    @Override
    public void stepsEnded(long maxStaleness) {
        place.leave();
    }

    @Override
    public void stalled(long step, String report) {
        String bounded = report.length() <= LONGEST_REPORT ? report : report.substring(0, LONGEST_REPORT) + " …";
        stall = new RankState.Stall(step, bounded, false);
    }

    @Override
    public void trainingFailed(long step, Throwable cause) {
        place.leave();
        String reason = String.valueOf(cause.getMessage());
        failure = reason.substring(0, Math.min(reason.length(), LONGEST_REPORT));
    }

    /** Writes the last state, and ends. A second call does nothing. */
    @Override
    public void close() {
        if (closing.getCount() == 0) {
            return;
        }
        closing.countDown();
        try {
            writer.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (writer.isAlive()) {
            LOG.warn(
                    "{} is not written to its end: its file system has not answered for {} ms",
                    files.ranks(),
                    CLOSE_MILLIS);
        } else if (!failed) {
            sample(true);
        }
    }
}
