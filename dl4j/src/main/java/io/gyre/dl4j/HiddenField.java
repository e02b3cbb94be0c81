package io.gyre.dl4j;

import java.lang.reflect.Field;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/** A field of Deeplearning4j's models and layers that is not public. */
final class HiddenField {

    private final Field field;

    private HiddenField(Field field) {
        this.field = field;
    }

    /** The field of one kind of model or layer. */
    static HiddenField of(Class<? extends Model> kind, String name) {
        try {
            Field field = kind.getDeclaredField(name);
            field.setAccessible(true);
            return new HiddenField(field);
        } catch (NoSuchFieldException e) {
            throw new UnsupportedOperationException(kind + " has no field " + name, e);
        }
    }

    @Nullable Object get(Model model) {
        try {
            return field.get(model);
        } catch (IllegalAccessException e) {
            throw new UnsupportedOperationException("cannot read " + field, e);
        }
    }

    void set(Model model, @Nullable Object value) {
        try {
            field.set(model, value);
        } catch (IllegalAccessException e) {
            throw new UnsupportedOperationException("cannot write " + field, e);
        }
    }
}
