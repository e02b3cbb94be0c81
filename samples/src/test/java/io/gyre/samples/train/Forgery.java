package io.gyre.samples.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Datagrams that somebody sends to a rank who is none, with all numbers as the stream's real sender has them. */
enum Forgery {
    /** Says that the stream starts anew elsewhere. */
    SETUP {
        @Override
        ByteBuffer of(VictimStream of) {
            return header(40, 0, 5)
                    .putInt(0)
                    .putInt(of.session())
                    .putInt(of.stream())
                    .putInt(of.initialTerm() + 7)
                    .putInt(of.term() + 7)
                    .putInt(64 << 10)
                    .putInt(1_408)
                    .putInt(0);
        }
    },
    /** The next bytes of the stream. */
    DATA {
        @Override
        ByteBuffer of(VictimStream of) {
            return data(of, 160, 160, WHOLE, of.offset());
        }
    },
    /** The next bytes, which claim to be a gigabyte. */
    DATA_OF_1_GB {
        @Override
        ByteBuffer of(VictimStream of) {
            return data(of, 160, 0x4000_0000, WHOLE, of.offset());
        }
    },
    DATA_OF_NEGATIVE_LENGTH {
        @Override
        ByteBuffer of(VictimStream of) {
            return data(of, 160, -5, WHOLE, of.offset());
        }
    },
    /** The next bytes, which claim to be more than there are. */
    DATA_OF_100_000_BYTES {
        @Override
        ByteBuffer of(VictimStream of) {
            return data(of, 160, 100_000, WHOLE, of.offset());
        }
    },
    DATA_BEYOND_THE_TERM {
        @Override
        ByteBuffer of(VictimStream of) {
            return data(of, 160, 160, WHOLE, of.termBytes() - 32);
        }
    },
    /** Says that the sender has closed the stream. */
    END_OF_STREAM {
        @Override
        ByteBuffer of(VictimStream of) {
            return data(of, 32, 0, WHOLE | 0x20, of.offset());
        }
    },
    /** Asks the sender to repeat. */
    NAK {
        @Override
        ByteBuffer of(VictimStream of) {
            return header(28, 0, 2)
                    .putInt(of.session())
                    .putInt(of.stream())
                    .putInt(of.term())
                    .putInt(Math.max(0, of.offset() - 1_408))
                    .putInt(1_408);
        }
    },
    /** Tells the sender that its receiver has no room. */
    STATUS {
        @Override
        ByteBuffer of(VictimStream of) {
            return header(36, 0, 3)
                    .putInt(of.session())
                    .putInt(of.stream())
                    .putInt(of.term())
                    .putInt(of.offset())
                    .putInt(0)
                    .putLong(42);
        }
    },
    /** Tells the sender that its receiver rejects the stream. */
    ERROR {
        @Override
        ByteBuffer of(VictimStream of) {
            return header(40, 0, 4)
                    .putInt(of.session())
                    .putInt(of.stream())
                    .putLong(42)
                    .putLong(0)
                    .putInt(1)
                    .putInt(0);
        }
    },
    /** As a member's sealed datagram begins, of the first generation, with noise for a text and its tag. */
    SEALED_WITHOUT_A_KEY {
        @Override
        ByteBuffer of(VictimStream of) {
            ByteBuffer datagram = ByteBuffer.allocate(192).order(ByteOrder.BIG_ENDIAN);
            byte[] noise = new byte[176];
            NOISE.nextBytes(noise);
            long rank = of.stream() % 2;
            return datagram.putLong(1L << 40 | rank << 20).putLong(1_000_000).put(noise);
        }
    },
    GARBAGE {
        @Override
        ByteBuffer of(VictimStream of) {
            byte[] noise = new byte[NOISE.nextInt(1_400)];
            NOISE.nextBytes(noise);
            return ByteBuffer.wrap(noise).position(noise.length);
        }
    };

    /** A message begins and ends here. */
    private static final int WHOLE = 0xc0;

    private static final Random NOISE = new Random(1);

    /** The datagram, from 0 to its position. */
    abstract ByteBuffer of(VictimStream of);

    private static ByteBuffer header(int length, int flags, int type) {
        return ByteBuffer.allocate(1_408)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(length)
                .put((byte) 0)
                .put((byte) flags)
                .putShort((short) type);
    }

    private static ByteBuffer data(VictimStream of, int bytes, int claimed, int flags, int offset) {
        return header(claimed, flags, 1)
                .putInt(offset)
                .putInt(of.session())
                .putInt(of.stream())
                .putInt(of.term())
                .putLong(42)
                .position(bytes);
    }
}
