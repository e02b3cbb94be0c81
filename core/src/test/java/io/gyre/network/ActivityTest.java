package io.gyre.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import org.junit.jupiter.api.Test;

class ActivityTest {

    private final Activity activity = new Activity();

    @Test
    void saysOperationBucketStepAndHop() {
        activity.begin("all-reduce (ring)", 17, 3, 6);
        activity.waitingFor(new Member(1, "ant", 2), 2);

        assertThat(activity).hasToString("all-reduce (ring) of bucket 3, step 17, hop 2 of 6");
    }

    @Test
    void leavesOutWhatThereIsNot() {
        activity.begin("broadcast", 17, 3, 0);
        assertThat(activity).hasToString("broadcast of bucket 3, step 17");

        activity.begin("barrier", 17, -1, 2);
        assertThat(activity).hasToString("barrier of step 17, hop 0 of 2");
    }

    @Test
    void saysWhatItIsAboutInsteadOfABucket() {
        activity.about("the statistics of layer '3'");
        activity.begin("all-reduce (ring)", 17, 3, 6);

        assertThat(activity).hasToString("all-reduce (ring) of the statistics of layer '3', step 17, hop 0 of 6");
    }

    @Test
    void warnsOncePerWait() {
        activity.begin("barrier", 1, 0, 0);
        assertThat(activity.shouldWarn()).isTrue();
        assertThat(activity.shouldWarn()).isFalse();

        activity.progressed();
        assertThat(activity.shouldWarn()).isTrue();
    }

    @Test
    void aWaitIsTimedFromItsFirstCheck() {
        activity.begin("barrier", 1, 0, 0);
        assertThat(activity.silentNanos(100)).isZero();
        assertThat(activity.silentNanos(130)).isEqualTo(30);

        activity.progressed();
        assertThat(activity.silentNanos(150)).isZero();

        activity.begin("barrier", 2, 0, 0);
        assertThat(activity.silentNanos(190)).isZero();
    }

    @Test
    void aNewOperationWaitsForNobodyYet() {
        activity.waitingFor(new Member(1, "ant", 2), 2);
        activity.begin("barrier", 1, 0, 0);

        assertThat(activity.peer()).isNull();
        assertThat(activity.step()).isEqualTo(1);
        assertThat(activity.bucket()).isZero();
    }
}
