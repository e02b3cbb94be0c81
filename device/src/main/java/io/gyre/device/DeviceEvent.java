package io.gyre.device;

import java.time.Duration;

/** A position in a stream that others can wait for. Recording it again moves it. */
public interface DeviceEvent extends AutoCloseable {

    /** Whether the stream has reached it. */
    boolean isDone();

    /**
     * Waits until the stream has reached it.
     *
     * @param what the awaited work, for the error
     * @throws DeviceException with {@link DeviceException.Reason#TIMEOUT} if it takes longer
     */
    void await(Duration timeout, String what);

    /** Closes the event; streams that already wait for it are not affected. A second call does nothing. */
    @Override
    void close();
}
