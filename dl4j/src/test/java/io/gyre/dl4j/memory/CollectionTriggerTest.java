package io.gyre.dl4j.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CollectionTriggerTest {

    private static final long LIMIT = 100;
    private static final long SHORTAGE = 300;

    private final CollectionTrigger trigger = new CollectionTrigger(LIMIT, SHORTAGE);

    @Test
    void asksOnceMemoryHasGrownByTheLimit() {
        trigger.measured(10);
        trigger.measured(110);
        assertThat(trigger.due(0)).isFalse();

        trigger.measured(111);
        assertThat(trigger.due(0)).isTrue();
    }

    @Test
    void whatIsInUseMayGrowByHalf() {
        trigger.measured(1000);
        trigger.measured(1500);
        assertThat(trigger.due(0)).isFalse();

        trigger.measured(1501);
        assertThat(trigger.due(0)).isTrue();
    }

    @Test
    void growthIsSinceTheLeast() {
        trigger.measured(1000);
        trigger.measured(50);
        trigger.measured(151);

        assertThat(trigger.due(0)).isTrue();
    }

    @Test
    void hurriesBeforeItAsks() {
        trigger.measured(0);
        trigger.measured(50);
        assertThat(trigger.pressing()).isFalse();

        trigger.measured(51);
        assertThat(trigger.pressing()).isTrue();
        assertThat(trigger.isShort()).isFalse();
    }

    @Test
    void asksNoMoreUntilWhatWasFoundIsFreed() {
        trigger.measured(0);
        trigger.measured(1000);
        trigger.asked(0, 0);
        trigger.measured(2000);
        assertThat(trigger.due(1)).isFalse();

        trigger.settled(2000);
        assertThat(trigger.due(1)).isTrue();
    }

    @Test
    void whatTheCollectionLeftIsInUse() {
        trigger.measured(0);
        trigger.measured(1000);
        trigger.asked(0, 0);
        trigger.freed(400);
        trigger.measured(700);
        trigger.settled(700);
        assertThat(trigger.due(1)).isFalse();

        trigger.measured(900);
        assertThat(trigger.due(1)).isFalse();
        trigger.measured(901);
        assertThat(trigger.due(1)).isTrue();
    }

    @Test
    void collectionsTakeAHundredthOfTheTimeUnlessMemoryIsShort() {
        trigger.measured(0);
        trigger.measured(1000);
        trigger.asked(0, 10);
        trigger.settled(0);

        trigger.measured(300);
        assertThat(trigger.due(1009)).isFalse();
        assertThat(trigger.due(1010)).isTrue();

        trigger.measured(301);
        assertThat(trigger.isShort()).isTrue();
        assertThat(trigger.due(49)).isFalse();
        assertThat(trigger.due(50)).isTrue();
    }
}
