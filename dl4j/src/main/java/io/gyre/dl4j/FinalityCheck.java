package io.gyre.dl4j;

import io.gyre.memory.Region;
import io.gyre.training.GradientProgress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Checks the hooks of a model on a pass whose gradients are not exchanged yet: whatever they report complete must not
 * change until the pass has ended. Deeplearning4j does not guarantee this, so it is verified, not assumed.
 */
final class FinalityCheck implements GradientProgress {

    private final Region gradients;
    private final long bytes;
    private final Reader reader;
    private final List<Piece> pieces = new ArrayList<>();
    private long completeFrom;

    /** Makes the current values of a part of the gradients readable in their region. */
    interface Reader {

        /** Offset and length are in bytes. */
        void read(long byteOffset, long byteLength);
    }

    /** A part that was reported complete. */
    private record Piece(long from, long to, long crc) {}

    /**
     * Begins a check at the start of a pass.
     *
     * @param bytes of an element
     * @param reader called before each read
     */
    FinalityCheck(Region gradients, int bytes, Reader reader) {
        this.gradients = gradients;
        this.bytes = bytes;
        this.reader = reader;
        completeFrom = gradients.byteLength();
    }

    @Override
    public void completeFrom(long offset) {
        long from = offset * bytes;
        if (from < completeFrom) {
            pieces.add(new Piece(from, completeFrom, crc(from, completeFrom)));
            completeFrom = from;
        }
    }

    private long crc(long from, long to) {
        reader.read(from, to - from);
        CRC32C crc = new CRC32C();
        Checksums.eachWindow(gradients.slice(from, to - from), (ByteBuffer piece) -> crc.update(piece));
        return crc.getValue();
    }

    /** After the pass: why the hooks cannot be used; empty if they can. */
    String objection() {
        if (pieces.isEmpty()) {
            return "no layer reported when its gradients were complete";
        }
        for (Piece piece : pieces) {
            if (crc(piece.from, piece.to) != piece.crc) {
                return "gradients " + piece.from / bytes + " to " + piece.to / bytes
                        + " changed after they should have been complete";
            }
        }
        return "";
    }
}
