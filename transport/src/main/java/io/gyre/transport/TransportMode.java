package io.gyre.transport;

import java.util.Locale;

/** Which network ranks use among each other. */
public enum TransportMode {
    /** Shared memory between ranks of one host, UDP between hosts. */
    AUTO,
    /** Shared memory; all ranks must be on one host. */
    IPC,
    /** UDP, also on one host. */
    UDP;

    /** The mode that is called so on the command line and in the environment: {@code auto}, {@code ipc}, {@code udp}. */
    public static TransportMode of(String name) {
        for (TransportMode mode : values()) {
            if (mode.toString().equals(name)) {
                return mode;
            }
        }
        throw new IllegalArgumentException("transport '" + name + "' is unknown: auto, ipc or udp");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
