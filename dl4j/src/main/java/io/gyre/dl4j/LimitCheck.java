package io.gyre.dl4j;

import io.gyre.session.Session;
import io.gyre.startup.StartupCheck;
import io.gyre.startup.StartupCheck.Links;
import io.gyre.startup.StartupTable;
import io.gyre.startup.StartupVerdict;
import io.gyre.startup.StepWatch;
import io.gyre.training.StepObserver;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

/** The start-up check of a training: it says what limits the run, before the first step and once after some. */
final class LimitCheck {

    private LimitCheck() {}

    /** Whether to check by default: several processes. Ranks that are threads share all that could be measured. */
    private static boolean isDue(@Nullable Boolean wanted, Session session) {
        boolean byDefault = !session.transport().equals("local");
        return session.world().size() > 1 && (wanted == null ? byDefault : wanted);
    }

    /**
     * Makes the check, if it is due. All ranks call it together.
     *
     * @param wanted null for the default
     * @param log takes what it says, on rank 0
     * @param session of all ranks that train
     * @param inStep those of them that take each step together
     * @param vectorBytes of the gradients
     * @param sentBytes of the gradients as they are sent over a network
     * @return what observes the first steps
     */
    static List<StepObserver> run(
            @Nullable Boolean wanted,
            Consumer<String> log,
            Session session,
            Session inStep,
            long vectorBytes,
            long sentBytes) {
        if (!isDue(wanted, session)) {
            return List.of();
        }
        boolean together = inStep.world().size() == session.world().size();
        // A worker that takes its steps alone may be lost and restarted, and talks to servers only.
        StartupTable table = StartupCheck.run(session, threads(), together ? Links.NEIGHBOURS : Links.NONE);
        if (session.world().isRoot()) {
            String java = table.differentJava();
            if (!java.isEmpty()) {
                log.accept(
                        "the ranks have different versions of Java, and a run is sure to be repeatable only with one: "
                                + java);
            }
            log.accept("start-up check: " + table.summary() + "; "
                    + StartupVerdict.of(table, vectorBytes, together ? sentBytes : 0));
        }
        return List.of(new StepWatch(session, table, together, log));
    }

    private static int threads() {
        return Nd4j.getEnvironment().isCPU()
                ? NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads()
                : 0;
    }
}
