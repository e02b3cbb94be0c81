package io.gyre.signals;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One signal, and the JVM's previous handler for it. Uses {@code sun.misc.Signal}, which every JDK has in its module
 * {@code jdk.unsupported}, and which is the only way. It is called by reflection, because javac's warning about it
 * cannot be suppressed.
 */
final class JvmSignal {

    private static final String SIGNAL = "sun.misc.Signal";
    private static final String HANDLER = "sun.misc.SignalHandler";

    private final Object signal;
    private final Object handlerBefore;

    private JvmSignal(Object signal, Object handlerBefore) {
        this.signal = signal;
        this.handlerBefore = handlerBefore;
    }

    /**
     * Replaces the handler. A signal that the process ignores stays ignored.
     *
     * @param name such as {@code TERM}
     * @throws IllegalArgumentException if there is no such signal, or the JVM does not allow a handler
     */
    static JvmSignal handle(String name, Runnable heard) {
        Object signal = make(name);
        return new JvmSignal(signal, replaceHandler(signal, handler(heard)));
    }

    /**
     * Sends a signal to this process.
     *
     * @param name such as {@code SIGTERM} or {@code TERM}
     */
    static void raise(String name) {
        invoke(method(SIGNAL, "raise", load(SIGNAL)), null, make(name.replaceFirst("^SIG", "")));
    }

    void callHandlerBefore() {
        invoke(method(HANDLER, "handle", load(SIGNAL)), handlerBefore, signal);
    }

    void restore() {
        replaceHandler(signal, handlerBefore);
    }

    private static Object make(String name) {
        try {
            return load(SIGNAL).getConstructor(String.class).newInstance(name);
        } catch (InvocationTargetException e) {
            throw unwrapped(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JVM has no " + SIGNAL + " with a name", e);
        }
    }

    private static Object handler(Runnable heard) {
        Class<?> type = load(HANDLER);
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
            if (method.getName().equals("handle")) {
                heard.run();
                return null;
            }
            // The JVM keeps handlers in hash tables.
            return switch (method.getName()) {
                case "hashCode" -> System.identityHashCode(proxy);
                case "equals" -> proxy == arguments[0];
                default -> "handler of " + JvmSignal.class.getName();
            };
        });
    }

    private static Object replaceHandler(Object signal, Object handler) {
        return invoke(method(SIGNAL, "handle", load(SIGNAL), load(HANDLER)), null, signal, handler);
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IllegalArgumentException("there is no " + name + ": the module jdk.unsupported is missing", e);
        }
    }

    private static Method method(String type, String name, Class<?>... parameters) {
        try {
            return load(type).getMethod(name, parameters);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("this JVM's " + type + " has no " + name, e);
        }
    }

    /** For methods that return a value, or whose result is ignored. */
    private static Object invoke(Method method, @Nullable Object target, Object... arguments) {
        try {
            return Objects.requireNonNullElse(method.invoke(target, arguments), "");
        } catch (InvocationTargetException e) {
            throw unwrapped(e);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("this JVM's " + method + " is closed", e);
        }
    }

    private static RuntimeException unwrapped(InvocationTargetException e) {
        return e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
    }
}
