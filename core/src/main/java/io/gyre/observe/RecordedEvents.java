package io.gyre.observe;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** The events of {@link FlightRecorderEvents}: their fields are written by it, and read by the recorder. */
final class RecordedEvents {

    private RecordedEvents() {}

    /** What all have: this process's rank, since ranks may be threads of one JVM, and the step. */
    @Category("Gyre")
    @StackTrace(false)
    abstract static class OfStep extends Event {
        @Label("Rank")
        int rank;

        @Label("Step")
        long step;
    }

    @Name("gyre.Step")
    @Label("Step")
    @Description("A step, from the wait for its examples to its end")
    static final class Step extends OfStep {
        @Label("Epoch")
        int epoch;

        @Label("Examples")
        @Description("Of all ranks in step")
        long examples;

        @Label("Loss")
        @Description("Mean over the examples")
        double loss;

        @Label("Bytes sent")
        @Description("By this rank since it joined")
        @DataAmount
        long bytesSent;
    }

    @Name("gyre.Phase")
    @Label("Phase of a step")
    static final class StepPart extends OfStep {
        @Label("Phase")
        String phase = "";
    }

    @Name("gyre.BucketReduction")
    @Label("Reduction of a bucket")
    @Description("Written at its end, by the thread that has reduced it")
    static final class BucketReduction extends OfStep {
        @Label("Bucket")
        int bucket;

        @Label("Elements")
        long elements;

        @Label("Took")
        @Timespan
        long took;
    }

    @Name("gyre.Push")
    @Label("Push of a gradient to servers")
    static final class Push extends OfStep {
        @Label("Staleness")
        @Description("In steps")
        long staleness;
    }

    @Name("gyre.Wait")
    @Label("Wait for another rank")
    @Description("Written at its end, by the thread that has waited")
    static final class Wait extends OfStep {
        static final EventType TYPE = EventType.getEventType(Wait.class);

        @Label("Bucket")
        @Description("Negative for none")
        int bucket;

        @Label("Operation")
        String operation = "";

        @Label("Awaited rank")
        int awaitedRank;

        @Label("Awaited host")
        String awaitedHost = "";

        @Label("Took")
        @Timespan
        long took;
    }

    @Name("gyre.Stall")
    @Label("Stall")
    @Description("No step has ended for too long")
    static final class Stall extends OfStep {
        @Label("Report")
        String report = "";
    }
}
