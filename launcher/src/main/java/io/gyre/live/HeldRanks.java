package io.gyre.live;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The ranks that a process reports on, with their files. In a run with seats they change from generation to generation,
 * and a process that was given up does not know that yet when it wakes. Thread-safe.
 */
final class HeldRanks {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final RunFiles files;
    private final boolean seated;

    /** Those of the present generation; none between two. */
    private volatile List<Member> own;

    /** Those of the generation that has ended. */
    private volatile List<Member> last = List.of();

    /** Those whose file this process has written since the generation began. */
    private final Set<Integer> written = ConcurrentHashMap.newKeySet();

    /** One rank, for all of the run. */
    HeldRanks(RunFiles files, Member rank) {
        this.files = files;
        seated = false;
        own = List.of(rank);
    }

    /** Those of the seats that this process is given. */
    HeldRanks(RunFiles files) {
        this.files = files;
        seated = true;
        own = List.of();
    }

    /** The trainer is ready; in a run with seats, a generation has begun. */
    void begin(World world, List<Member> members) {
        if (seated) {
            Member lead = members.get(world.rank());
            written.clear();
            own = members.stream()
                    .filter(each -> each.pid() == lead.pid() && each.host().equals(lead.host()))
                    .toList();
        }
    }

    /** The trainer is closed; in a run with seats, others may hold its ranks from now on. */
    void end() {
        if (seated && !own.isEmpty()) {
            last = own;
            own = List.of();
        }
    }

    /**
     * Replaces the file of each rank.
     *
     * @param states by rank
     * @param ended whether this is the last time
     * @param slept whether this process was stopped, so that others may have taken its ranks: what they have written
     *     stays
     */
    void write(Function<Member, RankState> states, boolean ended, boolean slept) throws IOException {
        List<Member> ranks = own;
        for (Member rank : ended && ranks.isEmpty() ? last : ranks) {
            Path file = files.rank(rank.rank());
            boolean doubtful = seated && (ended || slept) && written.contains(rank.rank());
            if (!doubtful || isOurs(file, rank)) {
                write(file, states.apply(rank));
                written.add(rank.rank());
            }
        }
    }

    private static boolean isOurs(Path file, Member rank) throws IOException {
        if (!Files.exists(file)) {
            return true;
        }
        JsonNode found = JSON.readTree(Files.readAllBytes(file));
        return found.path("pid").asLong() == rank.pid()
                && found.path("host").asText().equals(rank.host());
    }

    /** Replaces the file, so that a reader sees one state or the next. It need not survive a crash of the host. */
    private static void write(Path file, RankState state) throws IOException {
        Path unfinished = file.resolveSibling("." + file.getFileName() + ".unfinished");
        Files.write(unfinished, JSON.writeValueAsBytes(state));
        Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
