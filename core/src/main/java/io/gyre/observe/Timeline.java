package io.gyre.observe;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records what a rank does in a part of a timeline, {@code FILE.rank-N.part}. When the training ends, rank 0 merges the
 * parts that it can read into {@code FILE}: see {@link TimelineMerge}.
 *
 * <dl>
 *   <dt>Memory
 *   <dd>Some 100 KB; a part has at most {@value TimelinePart#DEFAULT_BLOCKS} blocks of
 *       {@value TimelinePart#BLOCK_RECORDS} events, about 90 MB, of which new ones replace the oldest.
 *   <dt>Threading
 *   <dd>As {@link StepObserver}. Every second, and once in {@value TimelinePart#BLOCK_RECORDS} events, the thread that
 *       trains writes what there is, without waiting for the disk. No thread is started.
 *   <dt>Failure
 *   <dd>A full disk ends the timeline and not the training.
 * </dl>
 */
public final class Timeline implements StepObserver {

    private static final Logger LOG = LoggerFactory.getLogger(Timeline.class);
    private static final int SYNCS = 8;
    private static final long FLUSH_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long PART_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final int NO_BUCKET = -1;
    private static final int NO_RANK = -1;

    private final Path file;
    private final World world;
    private final List<Member> members;
    private final TimelinePart part;

    /** Of a run with seats; otherwise 0. */
    private final int generation;

    private final GenerationParts generations;

    /** The lowest rank of each process. */
    private final Set<Integer> leads;

    private final List<GarbageCollectorMXBean> collectors = ManagementFactory.getGarbageCollectorMXBeans();
    private long collectedMillis;
    private long endNanos;
    private long flushedNanos;
    private boolean failed;
    private boolean ended;

    private Timeline(Session session, Path file, int generation, int blocks) {
        this.file = file;
        this.generation = generation;
        generations = new GenerationParts(file);
        leads = Set.copyOf(session.seating().leads());
        world = session.world();
        members = session.members();
        Member own = members.get(world.rank());
        check(file);
        part = new TimelinePart(
                partOf(world.rank()), world.rank(), world.size(), own.pid(), own.host(), generation, blocks);
        collectedMillis = collectedSoFar();
    }

    /**
     * Fails if a timeline cannot be written to a file.
     *
     * @throws IllegalArgumentException naming it
     */
    public static void check(Path file) {
        Path directory = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file) || directory == null) {
            throw new IllegalArgumentException("the timeline " + file + " is a directory, expected a file");
        }
        if (!Files.isDirectory(directory)) {
            throw new IllegalArgumentException("the timeline " + file + ": there is no directory " + directory);
        }
        if (!Files.isWritable(directory)) {
            throw new IllegalArgumentException(
                    "the timeline " + file + ": no permission to write to " + directory + ", beside it");
        }
    }

    private long collectedSoFar() {
        long collected = 0;
        for (int i = 0; i < collectors.size(); i++) {
            collected += collectors.get(i).getCollectionTime();
        }
        return collected;
    }

    /**
     * Begins a timeline, with some exchanges that compare the clocks. All ranks call it together, with the same file.
     *
     * @param file of the merged timeline; its directory exists on every host
     * @throws GyreException if this rank's part cannot be written
     */
    public static Timeline begin(Session session, Path file) {
        return begin(session, file, System::nanoTime, TimelinePart.DEFAULT_BLOCKS);
    }

    /**
     * Begins the timeline of a generation of a run with seats: each process has a part of its own, {@code
     * FILE.generation-G.rank-N.part}, where N is the lowest rank that it holds. {@link #mergeGenerations} merges those
     * of all generations.
     *
     * @param generation from 1
     */
    public static Timeline beginGeneration(Session session, Path file, int generation) {
        Timeline timeline = new Timeline(session, file, generation, TimelinePart.DEFAULT_BLOCKS);
        if (generation == 1 && session.world().isRoot()) {
            timeline.generations.removeOld(timeline.leads);
        }
        timeline.compareClocks(session, System::nanoTime);
        timeline.endNanos = System.nanoTime();
        List<Integer> held = session.seating().of(session.world().rank());
        timeline.addNow(TimelineEvents.NEWS, NO_RANK, 0, 0, "generation " + generation + ", ranks " + held);
        timeline.part.flush();
        return timeline;
    }

    static Timeline begin(Session session, Path file, LongSupplier clock, int blocks) {
        Timeline timeline = new Timeline(session, file, 0, blocks);
        timeline.compareClocks(session, clock);
        return timeline;
    }

    private void compareClocks(Session session, LongSupplier clock) {
        // What a restarted worker exchanges was exchanged before.
        boolean compares = session.incarnation(session.world().rank()) == 0;
        for (int i = 0; i < SYNCS; i++) {
            long begin = clock.getAsLong();
            session.exchange("clocks of the timeline, " + (i + 1) + " of " + SYNCS, new byte[0]);
            if (compares) {
                part.addSync(i, begin, clock.getAsLong());
            }
        }
        part.flush();
    }

    private Path partOf(int rank) {
        return generation > 0
                ? generations.of(generation, rank)
                : file.resolveSibling(file.getFileName() + ".rank-" + rank + ".part");
    }

    private void add(int kind, int detail, int bucket, long step, long begin, long end, long value, String text) {
        int thread = (int) Thread.currentThread().getId();
        part.add(kind, detail, thread, bucket, step, begin, end, value, text);
    }

    /** Something at the end of the last phase. */
    private void addNow(int kind, int detail, long step, long value, String text) {
        add(kind, detail, NO_BUCKET, step, endNanos, endNanos, value, text);
    }

    @Override
    public void phaseEnded(long step, StepPhase phase, long beginNanos, long end) {
        endNanos = end;
        add(TimelineEvents.PHASE, 0, NO_BUCKET, step, beginNanos, end, 0, phase.name());
        long collected = collectedSoFar();
        if (collected != collectedMillis) {
            long nanos = TimeUnit.MILLISECONDS.toNanos(collected - collectedMillis);
            collectedMillis = collected;
            // Its time is counted, and not when it was: some time in this phase.
            add(TimelineEvents.COLLECTION, 0, NO_BUCKET, step, Math.max(beginNanos, end - nanos), end, nanos, "");
        }
    }

    @Override
    public void bucketReduced(long step, Bucket bucket, long beginNanos, long end) {
        add(TimelineEvents.REDUCTION, 0, bucket.index(), step, beginNanos, end, bucket.length(), "");
    }

    @Override
    public void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long end) {
        int rank = peer == null ? NO_RANK : peer.rank();
        add(TimelineEvents.WAIT, rank, activity.bucket(), activity.step(), beginNanos, end, 0, activity.operation());
    }

    @Override
    public void pushed(long step, long staleness) {
        addNow(TimelineEvents.STALENESS, 0, step, staleness, "");
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        if (total.examples() > 0) {
            addNow(TimelineEvents.LOSS, 0, step, Double.doubleToRawLongBits(total.meanScore()), "");
        }
        if (endNanos - flushedNanos >= FLUSH_NANOS) {
            flushedNanos = endNanos;
            part.flush();
        }
    }

    @Override
    public void memoryUsed(long step, long heapBytes, long residentBytes) {
        addNow(TimelineEvents.MEMORY, 0, step, heapBytes, "");
    }

    @Override
    public void memberEnded(long step, Member member) {
        addNow(TimelineEvents.NEWS, member.rank(), step, 0, "rank " + member.rank() + " has ended");
    }

    @Override
    public void memberReturned(long step, Member member) {
        addNow(TimelineEvents.NEWS, member.rank(), step, 0, "rank " + member.rank() + " has returned");
    }

    @Override
    public void trainingFailed(long step, Throwable failure) {
        failed = true;
        addNow(
                TimelineEvents.NEWS,
                NO_RANK,
                step,
                0,
                "failed: " + failure.getClass().getSimpleName());
    }

    @Override
    public void trainingEnded() {
        if (!ended) {
            ended = true;
            part.close();
            if (world.isRoot() && generation == 0) {
                merge();
            }
        }
    }

    /** Merges the parts on this host, once they are complete; others' are elsewhere, or their ranks are lost. */
    private void merge() {
        List<Path> found = new ArrayList<>();
        boolean whole = true;
        long deadline = System.nanoTime() + (failed ? 0 : PART_WAIT_NANOS);
        for (int rank = 0; rank < world.size(); rank++) {
            Path path = partOf(rank);
            boolean near = members.get(rank).host().equals(members.get(0).host());
            boolean complete = near && awaitComplete(path, deadline);
            whole &= complete;
            if (near && Files.exists(path)) {
                found.add(path);
            }
        }
        merge(found, whole);
    }

    /**
     * Merges the parts of all generations that can be seen from here, once those of the last one are complete: after
     * the training has ended, on the process that holds rank 0.
     */
    public void mergeGenerations() {
        boolean whole = true;
        long deadline = System.nanoTime() + PART_WAIT_NANOS;
        for (int lead : leads) {
            boolean near = members.get(lead).host().equals(members.get(0).host());
            whole &= near && awaitComplete(partOf(lead), deadline);
        }
        merge(generations.all(), whole);
    }

    private void merge(List<Path> found, boolean whole) {
        TimelineMerge.Result result = TimelineMerge.merge(found, file);
        if (whole) {
            found.forEach(Timeline::delete);
            LOG.info("{}", result);
        } else {
            LOG.info(
                    "{}. The parts of other ranks are not complete, or on their hosts: copy them here, and run gyre"
                            + " timeline merge {}",
                    result,
                    file.toAbsolutePath().getParent());
        }
    }

    private static boolean awaitComplete(Path path, long deadline) {
        while (true) {
            if (Files.exists(path) && new TimelineEvents(path).complete) {
                return true;
            }
            if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private static void delete(Path path) {
        try {
            Files.delete(path);
        } catch (IOException e) {
            LOG.warn("the merged part {} cannot be deleted: {}", path, e.toString());
        }
    }
}
