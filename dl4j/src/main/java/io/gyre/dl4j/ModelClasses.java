package io.gyre.dl4j;

import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.core.JsonFactory;
import org.nd4j.shade.jackson.core.JsonParseException;
import org.nd4j.shade.jackson.core.JsonParser;
import org.nd4j.shade.jackson.core.JsonToken;

/** The classes that a model's configuration names, of which Deeplearning4j creates objects. */
final class ModelClasses {

    /** Names a class wherever it stands. */
    private static final String CLASS = "@class";

    /** Names the class of a distribution; other objects have words of other kinds there, without a dot. */
    private static final String TYPE = "type";

    /** No generic type, which would name further classes. */
    private static final Pattern CLASS_NAME = Pattern.compile("[A-Za-z0-9_.$]{1,300}");

    /** More than any configuration has, and harmless to recursive readers. */
    private static final int MAX_DEPTH = 64;

    private static final int SHOWN = 100;

    private ModelClasses() {}

    /**
     * Reads a configuration through.
     *
     * @param allowed prefixes of names
     * @throws IOException if it is not one JSON object, is nested too deeply, or names a class that is not allowed
     */
    static void check(String json, List<String> allowed) throws IOException {
        try (JsonParser in = new JsonFactory().createParser(json)) {
            if (in.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("its configuration is no JSON object");
            }
            for (int depth = 1; depth > 0; ) {
                JsonToken token = in.nextToken();
                if (token == null) {
                    throw new IOException("its configuration ends too early");
                }
                depth += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
                if (depth > MAX_DEPTH) {
                    throw new IOException("its configuration is nested more than " + MAX_DEPTH + " levels deep");
                }
                if (token != JsonToken.FIELD_NAME) {
                    checkValue(in.getCurrentName(), token, in.getText(), allowed);
                }
            }
            if (in.nextToken() != null) {
                throw new IOException("something follows its configuration");
            }
        } catch (JsonParseException e) {
            throw new IOException("its configuration is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static void checkValue(@Nullable String field, JsonToken token, String text, List<String> allowed)
            throws IOException {
        boolean namesClass = CLASS.equals(field)
                || (TYPE.equals(field) && token == JsonToken.VALUE_STRING && text.indexOf('.') >= 0);
        if (!namesClass) {
            return;
        }
        boolean known = token == JsonToken.VALUE_STRING
                && CLASS_NAME.matcher(text).matches()
                && allowed.stream().anyMatch(text::startsWith);
        if (!known) {
            throw new IOException("its configuration names the class '"
                    + text.substring(0, Math.min(text.length(), SHOWN)) + "', and those of " + allowed
                    + " are allowed: allow it with ModelReader.allowing, if it is yours");
        }
    }
}
