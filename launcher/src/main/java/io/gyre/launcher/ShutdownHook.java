package io.gyre.launcher;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An action for when a signal ends this JVM, from the time the hook is added until it is removed. */
final class ShutdownHook {

    private static final Logger log = LoggerFactory.getLogger(ShutdownHook.class);

    private final Thread thread;

    private ShutdownHook(Thread thread) {
        this.thread = thread;
    }

    static ShutdownHook add(Runnable action) {
        Thread thread = new Thread(action, "gyre-shutdown");
        Runtime.getRuntime().addShutdownHook(thread);
        return new ShutdownHook(thread);
    }

    void remove() {
        try {
            Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException e) {
            log.debug("the hook stays, since the JVM is ending: {}", e.getMessage());
        }
    }
}
