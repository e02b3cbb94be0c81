package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.Member;
import io.gyre.membership.Message;
import io.gyre.membership.MessageCodec;
import io.gyre.samples.train.TwoRanks.Protection;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Trainings between two hosts while somebody on the wire reads, changes, delays and repeats what they send. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class WireTest {

    private static final int PLAIN_HEADERS = 32 + 64;

    private static WiredHosts hosts;

    @TempDir
    Path directory;

    @BeforeAll
    static void layWire() throws IOException {
        Optional<String> obstacle = WiredHosts.obstacle();
        assumeTrue(obstacle.isEmpty(), () -> "skipped: " + obstacle.orElseThrow());
        hosts = WiredHosts.open();
    }

    @AfterAll
    static void removeWire() {
        if (hosts != null) {
            hosts.close();
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"ALL", "REORDER", "FLIP_JOINS"})
    void aSealedRunEndsWithTheSameParameters(Tampering tampering) throws Exception {
        expectTheSameParameters(tampering);
    }

    /** Says which of them it is, if all in turn change a run. */
    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"FLIP", "TRUNCATE", "DROP", "DUPLICATE", "REPEAT_LATER", "GARBAGE"})
    @Tag("long")
    void aSealedRunEndsWithTheSameParametersWhateverIsDone(Tampering tampering) throws Exception {
        expectTheSameParameters(tampering);
    }

    private void expectTheSameParameters(Tampering tampering) throws Exception {
        try (TwoRanks run = TwoRanks.on(hosts, directory, Protection.SEALED);
                WireProcess wire = start(run, tampering)) {
            run.assertUndisturbed();
            if (tampering == Tampering.FLIP_JOINS) {
                assertThat(run.rank(1).output()).contains("tries again until its join timeout");
            } else if (tampering != Tampering.DROP && tampering != Tampering.REORDER) {
                assertThat(run.output()).as(wire.output()).contains("has dropped a UDP datagram");
            }
        }
    }

    /** Who holds the wire can cut it, and so can end a run, but not alter it. */
    @Test
    void aChangedControlConnectionEndsTheRunWithAClearError() throws Exception {
        try (TwoRanks run = TwoRanks.on(hosts, directory, Protection.SEALED);
                WireProcess wire = start(run, Tampering.FLIP_CONTROL)) {
            assertThat(run.awaitResult()).as(run.output() + wire.output()).isEqualTo("exit statuses [1, 1]");
            assertThat(run.output()).contains("what it sent was changed on the way");
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    void aRecordedRunCannotBeReplayed(Protection protection) throws Exception {
        Path recording;
        try (TwoRanks run = TwoRanks.on(hosts, directory, protection);
                WireProcess wire = start(run, Tampering.NONE)) {
            run.assertUndisturbed();
            recording = wire.recording();
        }
        try (TwoRanks run = TwoRanks.on(hosts, directory, protection);
                WireProcess wire = start(run, Tampering.REPLAY, recording)) {
            String result = run.awaitResult();
            System.out.println(protection + ", replayed run: " + result + "\n" + wire.output());
            assertThat(wire.output()).contains("replayed; ").doesNotContain("refused");
            if (protection == Protection.SEALED) {
                assertThat(result).as(run.output()).isEqualTo(run.cleanHash());
                assertThat(run.output()).contains("has dropped a UDP datagram");
            }
        }
    }

    /** So that the tests of sealed runs can fail. */
    @ParameterizedTest(name = "{0}")
    @EnumSource(names = {"FLIP", "REWRITE"})
    void aPlainRunIsChangedOrEnds(Tampering tampering) throws Exception {
        try (TwoRanks run = TwoRanks.on(hosts, directory, Protection.PLAIN);
                WireProcess wire = start(run, tampering)) {
            String result = run.awaitResult();
            System.out.println("PLAIN, " + tampering + ": " + result + "\n" + run.errors());
            assertThat(result).as(run.output() + wire.output()).isNotEqualTo(run.cleanHash());
        }
    }

    /**
     * Both runs compute and send the same values, so that what the plain one sends is what the sealed one would send
     * without a seal.
     */
    @Test
    void aSealedRunShowsNothingOfWhatAPlainOneShows() throws Exception {
        List<Recording.Piece> plain = record(Protection.PLAIN);
        List<Recording.Piece> sealed = record(Protection.SEALED);

        Set<Long> values = values(plain);
        assertThat(values).hasSizeGreaterThan(100_000);
        assertThat(occurrences(values, plain)).isGreaterThan(100_000);
        assertThat(occurrences(values, sealed)).isZero();
        // Longer than what occurs by chance.
        String run = "gyre-" + System.getProperty("user.name");
        List<String> texts = List.of(run, "transport", "directory", "the report", "/dev/shm", "10.78.0.");
        String clear = controlInTheClear(run);
        for (String text : texts) {
            assertThat(clear).as("what would be found without encryption").contains(text);
            assertThat(occurrences(text, sealed)).as(text).isZero();
        }
        System.out.println("captured, plain: " + bytes(plain) + " bytes, " + values.size() + " known values, found "
                + occurrences(values, plain) + " times; sealed: " + bytes(sealed) + " bytes, found "
                + occurrences(values, sealed) + " times; texts in plain: "
                + texts.stream()
                        .map(text -> text + " " + occurrences(text, plain))
                        .toList());
    }

    /** As it would be sent: the control connections of a plain run are encrypted, too, by a known key. */
    private static String controlInTheClear(String run) {
        List<Message> messages = List.of(
                new Message.Join(Message.PROTOCOL_VERSION, 2, new Member(0, "host", 1), Map.of("transport", "udp")),
                new Message.Ready(Map.of("directory", "/dev/shm/" + run, "udp", "10.78.0.1:1")),
                new Message.Offer(List.of(0, 1), "the report", ByteBuffer.allocate(0)));
        return messages.stream()
                .map(message -> new String(MessageCodec.encode(message), StandardCharsets.ISO_8859_1))
                .collect(Collectors.joining());
    }

    private List<Recording.Piece> record(Protection protection) throws Exception {
        try (TwoRanks run = TwoRanks.on(hosts, directory, protection);
                WireProcess wire = start(run, Tampering.NONE)) {
            run.assertUndisturbed();
            return Recording.read(wire.recording());
        }
    }

    private WireProcess start(TwoRanks run, Tampering tampering, Path... replayed) throws IOException {
        run.start();
        run.start();
        return new WireProcess(hosts, directory, run, tampering, replayed);
    }

    /** Pairs of parameters or gradients, as they are in plain datagrams. Too simple ones could occur by chance. */
    private static Set<Long> values(List<Recording.Piece> pieces) {
        Set<Long> values = new HashSet<>();
        for (Recording.Piece piece : pieces) {
            ByteBuffer datagram = piece.bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
            for (int at = PLAIN_HEADERS; !piece.isControl() && at + Long.BYTES <= datagram.limit(); at += Long.BYTES) {
                long pair = datagram.getLong(at);
                if ((int) pair != 0 && pair >>> 32 != 0) {
                    values.add(pair);
                }
            }
        }
        return values;
    }

    /** How often one of these values is found, at any place. */
    private static long occurrences(Set<Long> values, List<Recording.Piece> pieces) {
        long found = 0;
        for (Recording.Piece piece : pieces) {
            ByteBuffer bytes = piece.bytes().duplicate().order(ByteOrder.LITTLE_ENDIAN);
            for (int at = 0; at + Long.BYTES <= bytes.limit(); at++) {
                found += values.contains(bytes.getLong(at)) ? 1 : 0;
            }
        }
        return found;
    }

    private static long occurrences(String text, List<Recording.Piece> pieces) {
        return pieces.stream()
                .filter(piece -> new String(piece.bytes().array(), StandardCharsets.ISO_8859_1).contains(text))
                .count();
    }

    private static long bytes(List<Recording.Piece> pieces) {
        return pieces.stream().mapToLong(piece -> piece.bytes().limit()).sum();
    }
}
