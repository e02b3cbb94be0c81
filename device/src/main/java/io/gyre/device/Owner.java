package io.gyre.device;

/** The thread to which a device is confined. */
public final class Owner {

    private final String what;
    private final Thread thread = Thread.currentThread();

    /**
     * Makes the calling thread the owner.
     *
     * @param what belongs to it, for errors
     */
    public Owner(String what) {
        this.what = what;
    }

    /** Fails unless called by the owner. */
    public void check() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException(what + " belongs to thread '" + thread.getName()
                    + "', which opened it; thread '" + Thread.currentThread().getName()
                    + "' cannot use it. Open the device in the thread that uses it.");
        }
    }
}
