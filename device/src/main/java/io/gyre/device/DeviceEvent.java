package io.gyre.device;

import java.time.Duration;

/** A place in a stream that others can wait for. Recording it again moves it. */
public interface DeviceEvent extends AutoCloseable {

    /** Whether the stream has come there. */
    boolean isDone();

    /**
     * Waits until the stream has come there.
     *
     * @param what the work that is waited for, as the error shall say
     * @throws DeviceException with {@link DeviceException.Reason#TIMEOUT} if it takes longer
     */
    void await(Duration timeout, String what);

    /** Ends it; a stream that waits for it still does. A second call does nothing. */
    @Override
    void close();
}
