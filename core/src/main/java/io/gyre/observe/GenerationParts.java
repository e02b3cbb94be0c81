package io.gyre.observe;

import io.gyre.GyreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The parts of a timeline of a run with seats: {@code FILE.generation-G.rank-N.part}, one of each process in each
 * generation, whose lowest rank is N.
 */
final class GenerationParts {

    private final Path file;
    private final Pattern pattern;

    GenerationParts(Path file) {
        this.file = file;
        pattern = Pattern.compile(Pattern.quote(String.valueOf(file.getFileName()))
                + "\\.generation-(\\d{1,9})\\.rank-(\\d{1,9})\\.part");
    }

    Path of(int generation, int rank) {
        return file.resolveSibling(file.getFileName() + ".generation-" + generation + ".rank-" + rank + ".part");
    }

    /** All that are there, by name. */
    List<Path> all() {
        Path directory = file.toAbsolutePath().getParent();
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(each -> matcher(each).matches()).sorted().toList();
        } catch (IOException e) {
            throw new GyreException("the parts of the timeline " + file + " cannot be listed: " + e, e);
        }
    }

    private Matcher matcher(Path path) {
        return pattern.matcher(String.valueOf(path.getFileName()));
    }

    /**
     * Removes what an earlier run has left, when a run begins; its processes may have begun their own parts.
     *
     * @param leads the lowest rank of each process of the first generation
     */
    void removeOld(Set<Integer> leads) {
        for (Path path : all()) {
            Matcher name = matcher(path);
            boolean ours =
                    name.matches() && name.group(1).equals("1") && leads.contains(Integer.valueOf(name.group(2)));
            if (!ours) {
                try {
                    Files.deleteIfExists(path);
                } catch (IOException e) {
                    throw new GyreException("the part of an earlier timeline " + path + " cannot be deleted: " + e, e);
                }
            }
        }
    }
}
