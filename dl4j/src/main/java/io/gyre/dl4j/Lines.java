package io.gyre.dl4j;

import io.gyre.GyreException;

/** Texts of lines of name, tab, value. */
final class Lines {

    private Lines() {}

    /** The first value of that name. */
    static String value(String text, String name) {
        return text.lines()
                .filter(line -> line.startsWith(name + "\t"))
                .findFirst()
                .map(line -> line.substring(name.length() + 1))
                .orElseThrow(() -> new GyreException("not the state of a training: it has no " + name));
    }

    /** The first value of that name, a number that is not negative. */
    static long number(String text, String name) {
        String value = value(text, name);
        if (!value.matches("\\d{1,18}")) {
            throw new GyreException("not the state of a training: its " + name + " is '"
                    + value.substring(0, Math.min(value.length(), 40)) + "'");
        }
        return Long.parseLong(value);
    }
}
