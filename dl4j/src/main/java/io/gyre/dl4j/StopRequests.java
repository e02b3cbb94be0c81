package io.gyre.dl4j;

/** This rank's requests to stop, which the next step passes on to the others. Any thread may request. */
final class StopRequests {

    private volatile boolean call;
    private volatile boolean training;

    /** Requests that the current call of {@code fit} stop, or else the next. */
    void stopCall() {
        call = true;
    }

    /** Requests that this and every later call stop. */
    void endTraining() {
        training = true;
    }

    /** Whether the training is to end: this does not change back. */
    boolean endsTraining() {
        return training;
    }

    /** Whether a step is to be the last of its call. A request to stop the call is forgotten. */
    boolean take() {
        boolean stop = call || training;
        call = false;
        return stop;
    }
}
