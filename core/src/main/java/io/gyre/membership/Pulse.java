package io.gyre.membership;

/** When the other end of a connection was last known to be alive. Time is in nanoseconds, from any origin. */
final class Pulse {

    private long lastAlive;
    private boolean suspected;

    Pulse(long time) {
        lastAlive = time;
    }

    /** It was alive at a time. What is learned late does not take back what is known. */
    void beat(long time) {
        lastAlive = Math.max(lastAlive, time);
    }

    /**
     * It has answered a heartbeat, and so was alive after that was sent. How old the answer is does not matter.
     *
     * @param sent as the answer has it; what has not been sent yet cannot be answered, and counts as sent now
     */
    void answered(long sent, long time) {
        beat(Math.min(sent, time));
    }

    /** Time for which nothing is known of it. */
    long silence(long time) {
        return time - lastAlive;
    }

    /** Whether the silence means that the rank is lost. */
    boolean isLost(long time, SilenceLimits limits) {
        return silence(time) > limits.loss().toNanos();
    }

    /** Whether the silence has become suspicious; true once, until it is over. */
    boolean becomesSuspicious(long time, SilenceLimits limits) {
        boolean before = suspected;
        suspected = silence(time) > limits.suspicion().toNanos();
        return suspected && !before;
    }
}
