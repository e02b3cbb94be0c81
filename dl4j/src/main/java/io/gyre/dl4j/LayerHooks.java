package io.gyre.dl4j;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.LinkedHashSet;
import java.util.Set;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;

/**
 * Hooks of a {@link MultiLayerNetwork}: while a pass runs, its layers are proxies that tell when their backward pass begins and
 * ends. They stand in the network's own array, which {@code getLayers()} returns.
 */
final class LayerHooks implements BackwardHooks {

    private static final String BACKWARD = "backpropGradient";

    private final MultiLayerNetwork model;
    private Layer[] own = {};
    private Layer[] proxies = {};
    private @Nullable Listener listener;

    LayerHooks(MultiLayerNetwork model) {
        this.model = model;
    }

    @Override
    public void attach(Listener value) {
        listener = value;
        Layer[] layers = model.getLayers();
        if (!same(layers, own)) {
            own = layers.clone();
            proxies = proxies();
        }
        System.arraycopy(proxies, 0, layers, 0, layers.length);
    }

    @Override
    public void detach() {
        Layer[] layers = model.getLayers();
        if (listener != null && same(layers, proxies)) {
            System.arraycopy(own, 0, layers, 0, layers.length);
        }
        listener = null;
    }

    @SuppressWarnings("ReferenceEquality") // Equal layers are still other objects.
    private static boolean same(Layer[] a, Layer[] b) {
        boolean same = a.length == b.length;
        for (int i = 0; same && i < a.length; i++) {
            same = a[i] == b[i];
        }
        return same;
    }

    private Layer[] proxies() {
        Layer[] result = new Layer[own.length];
        long from = 0;
        for (int i = 0; i < own.length; i++) {
            long to = from + own[i].numParams();
            result[i] = i < own.length - 1 && mayBeProxy(own[i]) ? proxy(own[i], from, to) : own[i];
            from = to;
        }
        return result;
    }

    /** The network asks some layers for their class. Their neighbours' hooks will tell when they are complete. */
    private static boolean mayBeProxy(Layer layer) {
        return !(layer instanceof FrozenLayer
                || layer instanceof FrozenLayerWithBackprop
                || layer instanceof BaseWrapperLayer
                || layer instanceof MultiLayerNetwork);
    }

    private Layer proxy(Layer layer, long from, long to) {
        Set<Class<?>> interfaces = new LinkedHashSet<>();
        for (Class<?> type = layer.getClass(); type != null; type = type.getSuperclass()) {
            collect(type, interfaces);
        }
        return (Layer) Proxy.newProxyInstance(
                layer.getClass().getClassLoader(), interfaces.toArray(Class<?>[]::new), (proxy, method, arguments) -> {
                    boolean backward = method.getName().equals(BACKWARD);
                    if (backward) {
                        complete(to);
                    }
                    Object result = invoke(layer, method, arguments);
                    if (backward) {
                        complete(from);
                    }
                    return result;
                });
    }

    private static Object invoke(Layer layer, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(layer, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
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
        Listener known = listener;
        if (known != null) {
            known.completeFrom(offset);
        }
    }
}
