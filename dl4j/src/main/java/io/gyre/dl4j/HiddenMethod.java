package io.gyre.dl4j;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/** A protected method of ND4J, without arguments. */
final class HiddenMethod {

    private final Method method;

    private HiddenMethod(Method method) {
        this.method = method;
    }

    static HiddenMethod of(Class<?> kind, String name) {
        try {
            Method method = kind.getDeclaredMethod(name);
            method.setAccessible(true);
            return new HiddenMethod(method);
        } catch (NoSuchMethodException e) {
            throw new UnsupportedOperationException(kind + " has no method " + name, e);
        }
    }

    void call(Object object) {
        try {
            method.invoke(object);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new UnsupportedOperationException(method + " has failed: " + e.getCause(), e.getCause());
        } catch (IllegalAccessException e) {
            throw new UnsupportedOperationException("cannot call " + method, e);
        }
    }
}
