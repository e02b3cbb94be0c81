package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Residual;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The residuals of all ranks' codecs, on their way to a checkpoint and back. Only rank 0 has the file: each block of
 * each rank is broadcast, one after the other, so that no rank needs room for more than one of them.
 *
 * <dl>
 *   <dt>Order
 *   <dd>All processes call the same methods together.
 *   <dt>Threading
 *   <dd>The thread that trains, between two reductions.
 * </dl>
 */
final class RankResiduals implements RankParts {

    private static final Logger LOG = LoggerFactory.getLogger(RankResiduals.class);
    private static final int NO_BUCKET = -1;
    private static final String TOPIC = "residuals of the codecs";
    private static final String PART = "residuals";
    private static final String BLOCK_OF_RANK = "residual ";

    /** The blocks of a rank, a bit for each. */
    private static final Pattern BLOCKS = Pattern.compile("[0-9a-f]+");

    private final Session session;
    private final Collective ofProcesses;
    private final String codec;
    private final List<Residual> own;
    private final Region block = Region.allocate("residual of another rank", (long) Residual.BLOCK * Float.BYTES);

    /**
     * Creates the way for one process.
     *
     * @param ofProcesses collective of one rank for each process; borrowed
     * @param codecs one for each seat, with residuals
     */
    RankResiduals(Session session, Collective ofProcesses, List<GradientCodec> codecs) {
        this(
                session,
                ofProcesses,
                codecs.get(0).name(),
                codecs.stream()
                        .map(each -> Objects.requireNonNull(each.residual()))
                        .toList());
    }

    /**
     * Creates the way for one process.
     *
     * @param codec its name and parameters
     * @param own one residual for each seat
     */
    RankResiduals(Session session, Collective ofProcesses, String codec, List<Residual> own) {
        this.session = session;
        this.ofProcesses = ofProcesses;
        this.codec = codec;
        this.own = own;
    }

    @Override
    public Gathering gather(long step) {
        List<byte[]> ofSeats =
                own.stream().map(each -> bytes(hex(each.blocks()))).toList();
        List<BitSet> ofRanks = session.exchange(TOPIC, ofSeats).stream()
                .map(each -> blocks(new String(each, StandardCharsets.US_ASCII)))
                .toList();
        Gathering gathering = new Gathering((memory, rank) ->
                ofProcesses.broadcast(memory, session.seating().indexOf(rank), step, NO_BUCKET));
        gathering.add(Checkpoint.Part.text(PART, () -> text(ofRanks)));
        for (int rank = 0; rank < ofRanks.size(); rank++) {
            int ofRank = rank;
            ofRanks.get(rank).stream()
                    .forEach(index -> gathering.add(
                            new Gathering.Block(nameOf(ofRank, index), ofRank, () -> memory(ofRank, index))));
        }
        return gathering;
    }

    /**
     * Restores the residuals of all ranks, if the checkpoint has them for this codec and as many ranks; otherwise they
     * begin at zero, and the log says so.
     */
    @Override
    public void restore(@Nullable CheckpointFile file, long step) {
        String text = OnRoot.call(session, TOPIC, () -> file == null ? "" : usable(file));
        List<BitSet> ofRanks = text.lines().skip(1).map(RankResiduals::blocks).toList();
        for (int rank = 0; rank < ofRanks.size(); rank++) {
            BitSet blocks = ofRanks.get(rank);
            for (int i = blocks.nextSetBit(0); i >= 0; i = blocks.nextSetBit(i + 1)) {
                Region memory = memory(rank, i);
                if (file != null) {
                    read(file, rank, i, memory);
                }
                ofProcesses.broadcast(memory, 0, step, NO_BUCKET);
            }
        }
    }

    /** What a checkpoint has, or nothing. */
    private String usable(CheckpointFile file) {
        try {
            String text = textIn(file);
            int ranks = session.world().size();
            String found = text.lines().findFirst().orElse("none");
            if (found.equals(codec) && text.lines().count() == 1 + ranks) {
                return text;
            }
            LOG.warn(
                    "The residuals of {} begin at zero: the checkpoint has those of {} for {} ranks, and this run is"
                            + " one of {} ranks. What had not been sent yet is lost",
                    codec,
                    found,
                    Math.max(0, text.lines().count() - 1),
                    ranks);
            return "";
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static void read(CheckpointFile file, int rank, int index, Region memory) {
        try {
            file.read(nameOf(rank, index), List.of(memory));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static GyreException unreadable(IOException e) {
        return new GyreException("the residuals in the checkpoint cannot be read: " + e.getMessage(), e);
    }

    /** Warns of residuals in a checkpoint that this run, without such a codec, does not use. */
    static void warnOfThoseIn(@Nullable CheckpointFile file) {
        try {
            if (file != null && !textIn(file).isEmpty()) {
                LOG.warn("The checkpoint has residuals of a codec, and this run has no such codec: what had not been"
                        + " sent yet is lost");
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** See {@link #text}; empty if there are none. */
    static String textIn(CheckpointFile file) throws IOException {
        String text = file.textOf(PART);
        if (!text.lines().skip(1).allMatch(line -> BLOCKS.matcher(line).matches())) {
            throw new CheckpointFile.DamagedException("its part '" + PART + "' does not say which blocks there are");
        }
        return text;
    }

    private static String nameOf(int rank, int block) {
        return BLOCK_OF_RANK + rank + " " + block;
    }

    /** A block of a rank: this process's own, or room for another's. */
    private Region memory(int rank, int index) {
        int seat = session.seating().of(session.world().rank()).indexOf(rank);
        return seat < 0 ? block : own.get(seat).block(index);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** A bit for each block, in hexadecimal digits. */
    private static String hex(BitSet blocks) {
        return new BigInteger(1, reversed(blocks.toByteArray())).toString(16);
    }

    private static BitSet blocks(String hex) {
        return BitSet.valueOf(reversed(new BigInteger(hex, 16).toByteArray()));
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] reversed = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            reversed[i] = bytes[bytes.length - 1 - i];
        }
        return reversed;
    }

    /** Name of the codec, and the blocks of each rank: a line for each. */
    private String text(List<BitSet> ofRanks) {
        StringBuilder text = new StringBuilder(codec).append('\n');
        ofRanks.forEach(each -> text.append(hex(each)).append('\n'));
        return text.toString();
    }
}
