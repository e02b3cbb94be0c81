package io.gyre.dl4j;

import java.lang.reflect.Field;
import org.deeplearning4j.nn.api.Model;

/** A protected field of Deeplearning4j's models. */
final class HiddenField {

    private final Field field;

    private HiddenField(Field field) {
        this.field = field;
    }

    /** The field of one kind of model. */
    static HiddenField of(Class<? extends Model> kind, String name) {
        try {
            Field field = kind.getDeclaredField(name);
            field.setAccessible(true);
            return new HiddenField(field);
        } catch (NoSuchFieldException e) {
            throw new UnsupportedOperationException(kind + " has no field " + name, e);
        }
    }

    void set(Model model, Object value) {
        try {
            field.set(model, value);
        } catch (IllegalAccessException e) {
            throw new UnsupportedOperationException("cannot write " + field, e);
        }
    }
}
