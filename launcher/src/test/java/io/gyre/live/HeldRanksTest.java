package io.gyre.live;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reports are of ranks, whichever process holds them. */
class HeldRanksTest {

    private static final Member ANT_0 = new Member(0, "ant", 11);
    private static final Member BEE_0 = new Member(0, "bee", 22);
    private static final Member BEE_1 = new Member(1, "bee", 22);

    @TempDir
    private Path directory;

    private RunFiles files;

    @BeforeEach
    void createDirectory() throws IOException {
        files = new RunFiles(directory);
        Files.createDirectories(files.ranks());
    }

    private static void write(HeldRanks ranks, boolean ended, boolean slept) throws IOException {
        ranks.write(
                rank -> new RankState(
                        rank.rank(),
                        rank.host(),
                        rank.pid(),
                        0,
                        ended,
                        5,
                        "",
                        null,
                        Map.of(),
                        List.of(),
                        null,
                        null,
                        List.of(),
                        0,
                        0),
                ended,
                slept);
    }

    private JsonNode written(int rank) throws IOException {
        return new ObjectMapper().readTree(files.rank(rank).toFile());
    }

    @Test
    void aProcessReportsOnEachRankThatItHoldsUntilTheGenerationEnds() throws IOException {
        HeldRanks bee = new HeldRanks(files);
        write(bee, false, false);
        assertThat(files.rank(0)).doesNotExist();

        bee.begin(new World(0, 2), List.of(BEE_0, BEE_1));
        write(bee, false, false);

        assertThat(written(0).get("pid").asLong()).isEqualTo(22);
        assertThat(written(1).get("rank").asInt()).isEqualTo(1);

        bee.end();
        Files.delete(files.rank(0));
        write(bee, false, false);
        assertThat(files.rank(0)).doesNotExist();
        write(bee, true, false);
        assertThat(written(1).get("ended").asBoolean()).isTrue();
    }

    @Test
    void aProcessThatWasGivenUpLeavesTheFileOfTheNextHolderAlone() throws IOException {
        HeldRanks ant = new HeldRanks(files);
        ant.begin(new World(0, 2), List.of(ANT_0, BEE_1));
        write(ant, false, false);
        HeldRanks bee = new HeldRanks(files);
        bee.begin(new World(0, 2), List.of(BEE_0, BEE_1));
        write(bee, false, false);
        assertThat(written(0).get("host").asText()).isEqualTo("bee");

        write(ant, false, true);
        ant.end();
        write(ant, true, false);

        assertThat(written(0).get("host").asText()).isEqualTo("bee");
        assertThat(written(0).get("ended").asBoolean()).isFalse();

        ant.begin(new World(0, 2), List.of(ANT_0, BEE_1));
        write(ant, false, true);
        assertThat(written(0).get("host").asText()).isEqualTo("ant");
    }
}
