package io.gyre.membership;

/** When something was last heard of somebody. Time is in nanoseconds, from any origin. */
final class Pulse {

    private long lastHeard;
    private boolean suspected;

    Pulse(long time) {
        lastHeard = time;
    }

    /** Something has come. */
    void beat(long time) {
        lastHeard = time;
        suspected = false;
    }

    /** For how long nothing has come. */
    long silence(long time) {
        return time - lastHeard;
    }

    /** Whether the silence means death. */
    boolean isLost(long time) {
        return silence(time) > Coordinator.LOSS.toNanos();
    }

    /** Whether the silence has become suspicious since the last beat; true once. */
    boolean becomesSuspicious(long time) {
        boolean before = suspected;
        suspected |= silence(time) > Coordinator.SUSPICION.toNanos();
        return suspected && !before;
    }
}
