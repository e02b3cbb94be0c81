package io.gyre.queue;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a user has queued: {@code job.json}, which does not change.
 *
 * @param format version of the file's format
 * @param id number in its queue, from 1
 * @param name for people
 * @param words after {@code gyre}; repeated after a crash, they go on where the run was
 * @param directory where the user was: relative paths in the words begin there
 * @param runDirectory absolute path of what the run leaves; null for a command that keeps nothing
 * @param needs what it takes
 * @param priority higher ones start first
 * @param limitSeconds longest time of all its processes together; 0 for none
 * @param graceSeconds from being told to end until it is killed
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record Job(
        int format,
        int id,
        String name,
        List<String> words,
        String directory,
        @Nullable String runDirectory,
        Needs needs,
        int priority,
        long limitSeconds,
        long graceSeconds) {

    static final int FORMAT = 1;

    /** Whether it has all that is never null; Jackson leaves out what the text lacks. */
    @SuppressWarnings("ConstantValue")
    boolean isWhole() {
        return name != null && words != null && !words.isEmpty() && directory != null && needs != null;
    }
}
