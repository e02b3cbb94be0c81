package io.gyre.runs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A checkpoint of a run, with which another run begins.
 *
 * @param files of the run
 * @param step of the checkpoint
 */
public record ForkPoint(RunFiles files, long step) {

    private static final char AT = '@';

    /**
     * Reads {@code DIR@STEP}, or {@code DIR} for the newest checkpoint, and checks that it is there.
     *
     * @throws BadRunException if there is no such run or checkpoint, with those that there are
     */
    public static ForkPoint parse(String text) {
        int at = text.lastIndexOf(AT);
        boolean hasStep = at > 0 && text.substring(at + 1).matches("\\d{1,10}");
        RunFiles files = new RunFiles(Path.of(hasStep ? text.substring(0, at) : text));
        return of(files, hasStep ? Long.parseLong(text.substring(at + 1)) : -1);
    }

    /**
     * A checkpoint of a run.
     *
     * @param step a negative one for the newest
     * @throws BadRunException as {@link #parse} does
     */
    public static ForkPoint of(RunFiles files, long step) {
        List<Long> steps = RunFiles.checkpointSteps(RunRecord.read(files).checkpoints(files));
        if (steps.isEmpty()) {
            throw new BadRunException("run " + files.directory() + " has no checkpoint to begin with");
        }
        long chosen = step < 0 ? steps.get(steps.size() - 1) : step;
        if (!steps.contains(chosen)) {
            throw new BadRunException("run " + files.directory() + " has no checkpoint of step " + chosen
                    + "; it has those of " + steps + ". --checkpoint-steps S writes more, --keep-checkpoints K keeps"
                    + " more");
        }
        return new ForkPoint(files, chosen);
    }

    /** The checkpoint's file. */
    public Path checkpoint() {
        return RunFiles.checkpoint(RunRecord.read(files).checkpoints(files), step);
    }

    /**
     * Puts the checkpoint into the directory of the run that begins with it. The file is shared where the file system
     * can, as checkpoints are never changed.
     */
    public void copyTo(RunFiles child) throws IOException {
        Files.createDirectories(child.checkpoints());
        Path from = checkpoint();
        Path to = RunFiles.checkpoint(child.checkpoints(), step);
        try {
            Files.createLink(to, from.toRealPath());
        } catch (UnsupportedOperationException | IOException anotherFileSystem) {
            Files.deleteIfExists(to);
            Files.copy(from, to);
        }
    }

    /** For the record of the child. */
    public RunParent parent() {
        return new RunParent(files.directory().toString(), step);
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return files.directory() + String.valueOf(AT) + step;
    }
}
