package io.gyre.dl4j;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** An iterator and all those that it wraps: sharing one of them means sharing its batches. */
final class IteratorChain {

    private IteratorChain() {}

    /** The iterator, those in its fields, and so on recursively, as far as fields can be read. */
    static List<Object> of(Object iterator) {
        Set<Object> found = Collections.newSetFromMap(new IdentityHashMap<>());
        add(iterator, found);
        return new ArrayList<>(found);
    }

    private static void add(Object value, Set<Object> found) {
        if (value instanceof Object[] several) {
            for (Object each : several) {
                add(each, found);
            }
        } else if (isIterator(value) && found.add(value)) {
            for (Class<?> type = value.getClass(); type != null; type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    if (!field.getType().isPrimitive() && field.trySetAccessible()) {
                        add(read(field, value), found);
                    }
                }
            }
        }
    }

    private static boolean isIterator(Object value) {
        return value instanceof DataSetIterator || value instanceof MultiDataSetIterator;
    }

    private static Object read(Field field, Object of) {
        try {
            return field.get(of);
        } catch (IllegalAccessException e) {
            throw new AssertionError("the field has been made accessible: " + field, e);
        }
    }
}
