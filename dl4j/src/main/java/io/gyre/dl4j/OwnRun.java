package io.gyre.dl4j;

import io.gyre.dl4j.TrainerBuilder.Joined;
import io.gyre.local.LocalCluster;
import io.gyre.session.SeatedRun;
import io.gyre.session.Session;
import io.gyre.transport.AeronSeats;
import io.gyre.transport.AeronSession;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.LaunchEnvironment;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The run that this process takes part in, joined for the first trainer that needs it and left when the last is closed.
 * A process joins once, so trainers that are open at the same time share the session; they are used by one thread.
 *
 * <p>A rank that is a thread of {@link LocalCluster} is in its cluster's run, and leaves it with its program.
 */
final class OwnRun {

    private static final Logger LOG = LoggerFactory.getLogger(OwnRun.class);

    private static @Nullable Session joined;
    private static @Nullable Thread owner;
    private static int users;
    private static boolean left;
    private static boolean hasTimeline;

    private OwnRun() {}

    /**
     * Joins, or shares what a trainer has joined that is still open.
     *
     * @param opened closes the session when its trainer closes, if no other uses it
     */
    static Joined join(Opened opened) {
        return join(System.getenv(), opened);
    }

    static Joined join(Map<String, String> environment, Opened opened) {
        if (LocalCluster.sessionOfThisThread().isEmpty() && GyreVariable.hasSeats(environment)) {
            return new Joined(null, takeSeats(environment, opened));
        }
        return new Joined(joinSession(environment, opened), null);
    }

    /** One trainer at a time: it alone knows which steps are to be repeated. */
    private static synchronized SeatedRun takeSeats(Map<String, String> environment, Opened opened) {
        if (left || users > 0) {
            throw new IllegalStateException("this process has had a trainer in its run, whose processes may change: it"
                    + " can have one. Use the same for all calls");
        }
        SeatedRun run = AeronSeats.ifLaunched(environment).orElseThrow();
        users++;
        left = true;
        opened.onClose(run::close);
        return run;
    }

    private static Session joinSession(Map<String, String> environment, Opened opened) {
        Optional<Session> ofThread = LocalCluster.sessionOfThisThread();
        if (ofThread.isPresent()) {
            return ofThread.get();
        }
        Optional<LaunchEnvironment> launched = LaunchEnvironment.detect(environment);
        if (launched.isEmpty() || isAlone(launched.get(), environment)) {
            LOG.info("no launcher has started this process as one of several ranks: it trains alone");
            Session alone = alone();
            opened.onClose(alone::close);
            return alone;
        }
        Session session = share(environment);
        opened.onClose(OwnRun::leave);
        return session;
    }

    /**
     * The timeline that the environment of a rank asks for, of the first trainer of the process: others would write to
     * the same file.
     */
    static synchronized @Nullable Path timeline(Map<String, String> environment) {
        if (hasTimeline || !(GyreVariable.isRank(environment) || GyreVariable.hasSeats(environment))) {
            return null;
        }
        hasTimeline = true;
        return GyreVariable.TIMELINE.text(environment).map(Path::of).orElse(null);
    }

    /** Gyre's own launcher waits even for a single rank. */
    private static boolean isAlone(LaunchEnvironment launched, Map<String, String> environment) {
        return launched.size() == 1 && !GyreVariable.isRank(environment);
    }

    private static Session alone() {
        try {
            return LocalCluster.Network.inProcess()
                    .open(1, Session.DEFAULT_PEER_TIMEOUT)
                    .join(0);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException("a run of one rank in this process cannot fail to be joined", e);
        }
    }

    private static synchronized Session share(Map<String, String> environment) {
        Session session = joined;
        if (session == null) {
            if (left) {
                throw new IllegalStateException("this process left its run when its last trainer was closed, and cannot"
                        + " join it again: close the first trainer after the last one is done, or create a session by"
                        + " AeronSession.join and trainers by DistributedTrainer.of(model, session)");
            }
            session = AeronSession.join(JoinOptions.fromEnvironment(environment));
            joined = session;
            owner = Thread.currentThread();
        } else if (owner != Thread.currentThread()) {
            throw new IllegalStateException("thread " + Thread.currentThread().getName()
                    + " cannot share the run that this process has joined on thread "
                    + (owner == null ? "" : owner.getName()) + ": one thread drives all trainers of a process");
        }
        users++;
        return session;
    }

    private static synchronized void leave() {
        users--;
        Session session = joined;
        if (users == 0 && session != null) {
            joined = null;
            owner = null;
            left = true;
            session.close();
        }
    }
}
