package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.Canary;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the token of a run reaches its ranks, here and over ssh: they can read it, nobody else can on the way. */
@Tag("processes")
@EnabledOnOs(OS.LINUX)
class TokenTest {

    private static final int RANKS = 3;
    private static final String HERE = "here";

    @TempDir
    private Path bin;

    private FakeSsh ssh;

    @BeforeEach
    void pretendToReachHosts() throws IOException {
        ssh = FakeSsh.in(bin);
    }

    private GyreProcess run(String where, String... program) throws IOException {
        List<String> options = new ArrayList<>(List.of("-n", String.valueOf(RANKS)));
        if (!where.equals(HERE)) {
            options.addAll(List.of("--hosts", "127.0.0.2,127.0.0.3"));
        }
        return GyreProcess.run(ssh.environment(), options, program);
    }

    private static List<RankToken> tokens(GyreProcess gyre) throws IOException {
        List<RankToken> tokens = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            tokens.add(RankToken.of(gyre.awaitReady(rank)));
        }
        return tokens;
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {HERE, "over ssh"})
    void everyRankGetsItAndNobodySeesItOnTheWay(String where) throws Exception {
        try (GyreProcess gyre = run(where, "wait")) {
            List<RankToken> tokens = tokens(gyre);
            Canary canary = new Canary(tokens.get(0).bytes());

            assertThat(tokens).extracting(RankToken::file).doesNotHaveDuplicates();
            for (RankToken token : tokens) {
                token.assertPrivate();
                assertThat(token.bytes()).isEqualTo(tokens.get(0).bytes());
                assertThat(canary.findsIn(token.file()))
                        .as("what the search finds")
                        .isNotEmpty();
            }
            assertThat(canary.findsInProcesses()).isEmpty();
            try (Stream<Path> records =
                    Files.list(bin).filter(file -> file.toString().contains("ssh-"))) {
                assertThat(records).hasSize(where.equals(HERE) ? 0 : RANKS);
            }
            assertThat(canary.findsIn(bin))
                    .as("arguments and environment of ssh")
                    .isEmpty();

            gyre.signal("TERM");
            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(143);
            tokens.forEach(RankToken::awaitRemoved);
            assertThat(canary.formsIn(gyre.output())).isEmpty();
        }
    }

    @ParameterizedTest(name = "{0}, {1} killed")
    @CsvSource({"here, launcher", "here, rank", "over ssh, launcher", "over ssh, rank"})
    void nothingIsLeftOfItAfterAKill(String where, String victim) throws Exception {
        try (GyreProcess gyre = run(where, "wait")) {
            List<RankToken> tokens = tokens(gyre);

            Processes.signal("KILL", victim.equals("rank") ? gyre.awaitReady(1) : gyre.pid());

            tokens.forEach(RankToken::awaitRemoved);
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void twoRunsHaveDifferentTokens() throws Exception {
        try (GyreProcess first = run(HERE, "wait");
                GyreProcess second = run(HERE, "wait")) {
            assertThat(RankToken.of(first.awaitReady(0)).bytes())
                    .isNotEqualTo(RankToken.of(second.awaitReady(0)).bytes());
        }
    }

    @Test
    void theProgramReadsNothingFromItsStandardInput() throws Exception {
        try (GyreProcess gyre = run(HERE, "wait")) {
            Path input = Path.of("/proc", String.valueOf(gyre.awaitReady(0)), "fd", "0");

            assertThat(Files.readSymbolicLink(input)).isEqualTo(Path.of("/dev/null"));
        }
    }

    /** Also bytes that are special to shells, and as many words after it as come at once. */
    @Test
    void exactlyTheTokenIsTakenFromThePipe() throws Exception {
        byte[] token = new byte[RunSecret.MIN_BYTES];
        new Random(7).nextBytes(token);
        System.arraycopy(new byte[] {0, '\n', '\r', '\\', '\'', '"', -1, 4}, 0, token, 8, 8);
        token[RunSecret.MIN_BYTES - 1] = '\n';
        List<String> program = List.of("sh", "-c", "cat \"$GYRE_TOKEN_FILE\"; exec sleep 60");
        ProcessBuilder builder = new ProcessBuilder(RankCommand.here("/", program));
        builder.environment().putAll(Map.of("GYRE_RANK", "0", "GYRE_LOCAL_SIZE", "1"));
        Process rank = builder.start();
        try (OutputStream pipe = rank.getOutputStream();
                InputStream taken = rank.getInputStream()) {
            byte[] both = Arrays.copyOf(token, token.length + 5);
            // Asks whether the process lives: no harm done before the program runs.
            System.arraycopy(new byte[] {'C', 'O', 'N', 'T', '\n'}, 0, both, token.length, 5);
            pipe.write(both);
            pipe.flush();

            assertThat(taken.readNBytes(token.length)).isEqualTo(token);

            pipe.write(new byte[] {'T', 'E', 'R', 'M', '\n'});
            pipe.flush();
            assertThat(rank.waitFor(60, TimeUnit.SECONDS)).as("it ended").isTrue();
            assertThat(rank.exitValue()).isEqualTo(ExitStatus.TERMINATED);
        }
    }

    @Test
    void aHostThatCannotStoreItIsNamedAndNothingIsLeft() throws Exception {
        ssh.write("dd", "#!/bin/sh\necho \"$@\" >>\"$0-arguments\"; exit 1\n");
        try (GyreProcess gyre = run("over ssh", "wait")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(1);

            assertThat(gyre.errors())
                    .containsPattern("could not store the token of its run in /dev/shm, or else TMPDIR, of \\S+: make")
                    .doesNotContain("dd:");
        }
        assertThat(Files.readAllLines(bin.resolve("dd-arguments")))
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line).matches("bs=1 count=32 of=.*/gyre-token\\.\\w{10}/token"))
                .allSatisfy(line -> assertThat(
                                Path.of(line.substring(line.indexOf("of=") + 3)).getParent())
                        .doesNotExist());
    }

    @Test
    void aHostWithoutRoomForItsDirectoryIsNamed() throws Exception {
        ssh.write("mktemp", "#!/bin/sh\necho 'mktemp: no room' >&2; exit 1\n");
        try (GyreProcess gyre = run(HERE, "wait")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(1);

            assertThat(gyre.errors())
                    .contains("mktemp: no room")
                    .containsPattern("rank \\d could not store the token of its run");
        }
    }
}
