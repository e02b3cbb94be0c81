package io.gyre.launcher;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * One thing that the doctor checked.
 *
 * @param name what it is
 * @param value what was found
 * @param verdict what it means for training here
 * @param advice what to do about it; null if nothing
 */
record Finding(
        @JsonProperty String name,
        @JsonProperty String value,
        @JsonProperty Verdict verdict,

        @JsonInclude(JsonInclude.Include.ALWAYS) @JsonProperty @Nullable String advice) {

    /** What a finding means. */
    enum Verdict {
        /** As it should be. */
        @JsonProperty("ok")
        OK,
        /** Training works, but could be faster, or may fail later. */
        @JsonProperty("hint")
        HINT,
        /** Training does not work. */
        @JsonProperty("problem")
        PROBLEM
    }

    static Finding ok(String name, String value) {
        return new Finding(name, value, Verdict.OK, null);
    }

    static Finding hint(String name, String value, String advice) {
        return new Finding(name, value, Verdict.HINT, advice);
    }

    static Finding problem(String name, String value, String advice) {
        return new Finding(name, value, Verdict.PROBLEM, advice);
    }

    @Override
    public String toString() {
        String line = String.format("%-8s%-18s%s", verdict, name, value);
        return advice == null ? line : line + ": " + advice;
    }
}
