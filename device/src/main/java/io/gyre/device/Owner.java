package io.gyre.device;

/** The thread that a device belongs to. */
public final class Owner {

    private final String what;
    private final Thread thread = Thread.currentThread();

    /**
     * The calling thread.
     *
     * @param what belongs to it, as errors shall call it
     */
    public Owner(String what) {
        this.what = what;
    }

    /** Fails unless the owner calls. */
    public void check() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException(what + " belongs to thread '" + thread.getName()
                    + "', which opened it; thread '" + Thread.currentThread().getName()
                    + "' cannot use it. Open the device in the thread that uses it.");
        }
    }
}
