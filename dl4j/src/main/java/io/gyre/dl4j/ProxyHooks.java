package io.gyre.dl4j;

import io.gyre.training.GradientProgress;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Hooks in an array of a model's parts, layers or vertices: during the backward half of a pass the array holds proxies,
 * which report when the backward pass of their part begins and ends.
 *
 * <p>A listener may get the model's layers and cast them. So proxies are installed after the last listener has heard of
 * the forward pass, and removed before the first hears of the backward pass. Two extra listeners, first and last in
 * the model's list during a pass, do that.
 *
 * @param <T> kind of part
 */
final class ProxyHooks<T> implements BackwardHooks {

    private final Parts<T> parts;
    private final Supplier<List<TrainingListener>> listeners;
    private final TrainingListener detaching = new Detaching();
    private final TrainingListener attaching = new Attaching();
    private @Nullable T @Nullable [] own;
    private @Nullable T @Nullable [] proxies;
    private boolean attached;
    private @Nullable GradientProgress progress;

    /**
     * Description of the parts.
     *
     * @param array the model's own, live
     * @param order of the parts in the gradient vector
     * @param parameters number of a part's parameters
     * @param hookable whether the model never checks a part's class; otherwise its neighbours report
     * @param backward name of the method that is a part's backward pass
     */
    record Parts<T>(
            Supplier<T[]> array,
            Supplier<int[]> order,
            ToLongFunction<T> parameters,
            Predicate<T> hookable,
            String backward) {}

    /**
     * Creates the hooks; the model is not changed yet.
     *
     * @param listeners the model's own list, live
     */
    ProxyHooks(Parts<T> parts, Supplier<List<TrainingListener>> listeners) {
        this.parts = parts;
        this.listeners = listeners;
    }

    @Override
    public void attach(GradientProgress value) {
        progress = value;
        List<TrainingListener> list = listeners.get();
        list.add(0, detaching);
        list.add(attaching);
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // By identity: listeners of the model may be equal to these two.
    public void detach() {
        removeProxies();
        listeners.get().removeIf(each -> each == detaching || each == attaching);
        progress = null;
    }

    private void insertProxies() {
        T[] array = parts.array().get();
        if (own == null || !same(array, own)) {
            own = array.clone();
            proxies = proxies(array);
        }
        System.arraycopy(proxies, 0, array, 0, array.length);
        attached = true;
    }

    private void removeProxies() {
        T[] array = parts.array().get();
        if (attached && same(array, proxies)) {
            System.arraycopy(own, 0, array, 0, array.length);
        }
        attached = false;
    }

    @SuppressWarnings("ReferenceEquality") // By identity: parts may be equal.
    private static boolean same(@Nullable Object[] a, @Nullable Object @Nullable [] b) {
        if (b == null || a.length != b.length) {
            return false;
        }
        for (int i = 0; i < a.length; i++) {
            if (a[i] != b[i]) {
                return false;
            }
        }
        return true;
    }

    private T[] proxies(T[] array) {
        T[] result = array.clone();
        long from = 0;
        for (int index : parts.order().get()) {
            long to = from + parts.parameters().applyAsLong(array[index]);
            if (parts.hookable().test(array[index])) {
                result[index] = proxy(array[index], from, to);
            }
            from = to;
        }
        return result;
    }

    @SuppressWarnings("unchecked") // It implements all interfaces of the part, and the array's type is one of them.
    private T proxy(T part, long from, long to) {
        return (T) Proxy.newProxyInstance(
                part.getClass().getClassLoader(), interfaces(part.getClass()), (proxy, method, arguments) -> {
                    boolean backward = method.getName().equals(parts.backward());
                    if (backward) {
                        complete(to);
                    }
                    Object result = invoke(part, method, arguments);
                    if (backward) {
                        complete(from);
                    }
                    return result;
                });
    }

    private static @Nullable Object invoke(Object part, Method method, @Nullable Object[] arguments) throws Throwable {
        try {
            return method.invoke(part, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static Class<?>[] interfaces(Class<?> kind) {
        Set<Class<?>> interfaces = new LinkedHashSet<>();
        for (Class<?> type = kind; type != null; type = type.getSuperclass()) {
            collect(type, interfaces);
        }
        return interfaces.toArray(Class<?>[]::new);
    }

    private static void collect(Class<?> type, Set<Class<?>> interfaces) {
        for (Class<?> each : type.getInterfaces()) {
            if (Modifier.isPublic(each.getModifiers())) {
                interfaces.add(each);
            }
            collect(each, interfaces);
        }
    }

    private void complete(long offset) {
        GradientProgress known = progress;
        if (known != null) {
            known.completeFrom(offset);
        }
    }

    /** The last in the list: hears of a forward pass after all others. */
    private final class Attaching extends BaseTrainingListener {

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            insertProxies();
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            insertProxies();
        }
    }

    /** The first in the list: hears of a backward pass before all others. */
    private final class Detaching extends BaseTrainingListener {

        @Override
        public void onBackwardPass(Model model) {
            removeProxies();
        }
    }
}
