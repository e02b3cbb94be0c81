package io.gyre.transport;

import java.util.Locale;

/** The network among the ranks. */
public enum TransportMode {
    /** Shared memory between ranks of one host, UDP between hosts. */
    AUTO,
    /** Shared memory mapped by all ranks, and Aeron IPC for messages; all ranks must be on one host. */
    SHM,
    /** Aeron IPC alone: messages through shared memory, but no memory boxes; all ranks must be on one host. */
    IPC,
    /** UDP, even on one host. */
    UDP;

    /**
     * The mode with this name on the command line and in the environment: {@code auto}, {@code shm}, {@code ipc},
     * {@code udp}.
     */
    public static TransportMode of(String name) {
        for (TransportMode mode : values()) {
            if (mode.toString().equals(name)) {
                return mode;
            }
        }
        throw new IllegalArgumentException("transport '" + name + "' is unknown: auto, shm, ipc or udp");
    }

    /** Whether all ranks must be on one host. */
    boolean isOneHost() {
        return this == SHM || this == IPC;
    }

    /** Whether ranks of one host map each other's memory. */
    boolean hasBoxes() {
        return this == AUTO || this == SHM;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
