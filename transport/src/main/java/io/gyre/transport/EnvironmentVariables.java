package io.gyre.transport;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Environment variables by name; a blank one counts as unset. Errors name the variable. */
record EnvironmentVariables(Map<String, String> values) {

    boolean all(String... names) {
        for (String name : names) {
            if (text(name).isEmpty()) {
                return false;
            }
        }
        return true;
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(values.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    int number(String name) {
        return optionalNumber(name).orElseThrow(() -> missing(name));
    }

    private static IllegalArgumentException missing(String name) {
        return new IllegalArgumentException("environment variable " + name + " is not set");
    }

    OptionalInt optionalNumber(String name) {
        Optional<String> value = text(name);
        if (value.isEmpty()) {
            return OptionalInt.empty();
        }
        if (!value.get().matches("-?\\d{1,9}")) {
            throw new IllegalArgumentException(
                    "environment variable " + name + " = '" + value.get() + "' is not a whole number");
        }
        return OptionalInt.of(Integer.parseInt(value.get()));
    }

    Optional<Boolean> optionalFlag(String name) {
        return text(name).map(text -> switch (text) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw new IllegalArgumentException(
                        "environment variable " + name + " = '" + text + "' is neither true nor false");
        });
    }
}
