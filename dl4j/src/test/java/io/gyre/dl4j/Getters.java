package io.gyre.dl4j;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** All getters of an evaluation, with their results. */
final class Getters {

    private static final Set<String> NO_GETTERS =
            Set.of("newInstance", "reset", "clone", "hashCode", "canEqual", "equals", "toJson", "toYaml");

    private static final int DEEPEST = 4;

    private final Map<String, Object> answers = new TreeMap<>();

    private Getters() {}

    /**
     * Calls all public methods without a parameter, with a column and with a metric, and those of the objects returned.
     *
     * @param columns of the labels
     * @return by method: numbers, texts, and the class of an exception
     */
    static Map<String, Object> of(Object evaluation, int columns) {
        Getters getters = new Getters();
        getters.askAll(evaluation.getClass().getSimpleName(), evaluation, columns, 0);
        return getters.answers;
    }

    private void askAll(String path, Object asked, int columns, int depth) {
        Method[] methods = asked.getClass().getMethods();
        // Some results are computed when another method is called.
        Arrays.sort(methods, Comparator.comparing(Method::getName).thenComparing(Method::toString));
        for (Method method : methods) {
            if (Modifier.isStatic(method.getModifiers())
                    || method.getReturnType() == void.class
                    || method.isBridge()
                    || method.getDeclaringClass() == Object.class
                    || NO_GETTERS.contains(method.getName())) {
                continue;
            }
            String question = path + "." + method.getName();
            Class<?>[] parameters = method.getParameterTypes();
            if (parameters.length == 0) {
                ask(question, asked, method, columns, depth);
            } else if (parameters.length == 1 && parameters[0] == int.class) {
                for (int column = 0; column < columns; column++) {
                    ask(question + "(" + column + ")", asked, method, columns, depth, column);
                }
            } else if (parameters.length == 1 && parameters[0].isEnum()) {
                for (Object constant : parameters[0].getEnumConstants()) {
                    ask(question + "(" + constant + ")", asked, method, columns, depth, constant);
                }
            }
        }
    }

    private void ask(String question, Object asked, Method method, int columns, int depth, Object... arguments) {
        try {
            method.setAccessible(true);
            answer(question, method.invoke(asked, arguments), columns, depth);
        } catch (InvocationTargetException e) {
            answers.put(question, e.getCause().getClass().getName());
        } catch (IllegalAccessException e) {
            throw new AssertionError(question, e);
        }
    }

    private void answer(String question, Object answer, int columns, int depth) {
        if (answer == null || answer instanceof String || answer instanceof Boolean || answer instanceof Enum) {
            answers.put(question, String.valueOf(answer));
        } else if (answer instanceof Number number) {
            answers.put(question, number.doubleValue());
        } else if (answer instanceof INDArray array) {
            answer(question, array.castTo(DataType.DOUBLE).ravel().toDoubleVector(), columns, depth);
        } else if (answer.getClass().isArray()) {
            for (int i = 0; i < Array.getLength(answer); i++) {
                answer(question + "[" + i + "]", Array.get(answer, i), columns, depth);
            }
        } else if (answer instanceof Map<?, ?> map) {
            map.forEach((key, value) -> answer(question + "{" + key + "}", value, columns, depth));
        } else if (answer instanceof Collection<?> values) {
            answer(question, List.copyOf(values).toArray(), columns, depth);
        } else if (answer.getClass().getName().startsWith("org.nd4j.evaluation") && depth < DEEPEST) {
            askAll(question, answer, columns, depth + 1);
        }
    }
}
