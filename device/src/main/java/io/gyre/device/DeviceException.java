package io.gyre.device;

import io.gyre.GyreException;

/** A device or its driver has failed. */
public final class DeviceException extends GyreException {

    private final Reason reason;

    /** What a program may want to tell apart. */
    public enum Reason {
        /** There is no driver, or no device. */
        ABSENT,
        /** The device has too little memory left. The device can still be used. */
        OUT_OF_MEMORY,
        /** A kernel or a copy has failed. The driver then refuses everything else in this process. */
        FAILED,
        /** The device has fallen off the bus, or was reset. */
        LOST,
        /** Work was not done in time. */
        TIMEOUT,
        /** Anything else. */
        OTHER
    }

    public DeviceException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** What has happened. */
    public Reason reason() {
        return reason;
    }
}
