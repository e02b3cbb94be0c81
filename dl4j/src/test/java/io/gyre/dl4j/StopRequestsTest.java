package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StopRequestsTest {

    private final StopRequests requests = new StopRequests();

    @Test
    void withoutARequestNothingStops() {
        assertThat(requests.take()).isFalse();
        assertThat(requests.endsTraining()).isFalse();
    }

    @Test
    void aRequestToStopACallHoldsForOneStep() {
        requests.stopCall();

        assertThat(requests.take()).isTrue();
        assertThat(requests.take()).isFalse();
        assertThat(requests.endsTraining()).isFalse();
    }

    @Test
    void aRequestToEndTheTrainingHoldsForEver() {
        requests.endTraining();

        assertThat(requests.take()).isTrue();
        assertThat(requests.take()).isTrue();
        assertThat(requests.endsTraining()).isTrue();
    }
}
