package io.gyre.device;

import io.gyre.GyreException;

/** A device or its driver has failed. */
public final class DeviceException extends GyreException {

    private final Reason reason;

    /** Kinds of failure that a program may want to distinguish. */
    public enum Reason {
        /** There is no driver, or no device. */
        ABSENT,
        /** The device has too little memory left. The device can still be used. */
        OUT_OF_MEMORY,
        /** A kernel or a copy has failed. The driver then rejects all further calls in this process. */
        FAILED,
        /** The device has fallen off the bus, or was reset. */
        LOST,
        /** Work was not completed in time. */
        TIMEOUT,
        /** Anything else. */
        OTHER
    }

    public DeviceException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** Kind of the failure. */
    public Reason reason() {
        return reason;
    }
}
