package io.gyre.samples.train;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A file with all that went over a {@link Wire}, in that order. */
final class Recording {

    /**
     * A datagram, or some bytes of a connection to the rendezvous.
     *
     * @param rank that was to receive it
     */
    record Piece(int rank, boolean isControl, ByteBuffer bytes) {}

    private final DataOutputStream out;

    Recording(Path file) throws IOException {
        out = new DataOutputStream(Files.newOutputStream(file));
    }

    synchronized void add(int rank, boolean isControl, byte[] bytes, int length) throws IOException {
        byte[] whole = new byte[6 + length];
        whole[0] = (byte) rank;
        whole[1] = (byte) (isControl ? 1 : 0);
        ByteBuffer.wrap(whole).putInt(2, length);
        System.arraycopy(bytes, 0, whole, 6, length);
        out.write(whole);
    }

    static List<Piece> read(Path file) throws IOException {
        List<Piece> pieces = new ArrayList<>();
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            while (true) {
                int rank = in.readByte();
                boolean control = in.readByte() == 1;
                byte[] bytes = new byte[in.readInt()];
                in.readFully(bytes);
                pieces.add(new Piece(rank, control, ByteBuffer.wrap(bytes)));
            }
        } catch (EOFException end) {
            return pieces;
        }
    }
}
