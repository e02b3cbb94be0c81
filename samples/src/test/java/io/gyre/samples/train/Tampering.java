package io.gyre.samples.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;

/** What somebody on the wire does to what passes. Datagrams are changed by chance, about one in {@link #RARITY}. */
enum Tampering {
    /** Only copies. */
    NONE,
    FLIP {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            if (byChance()) {
                datagram[CHANCE.nextInt(datagram.length)] ^= (byte) (1 << CHANCE.nextInt(8));
            }
            on.add(datagram);
        }
    },
    TRUNCATE {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            on.add(byChance() ? Arrays.copyOf(datagram, CHANCE.nextInt(datagram.length)) : datagram);
        }
    },
    DROP {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            if (!byChance()) {
                on.add(datagram);
            }
        }
    },
    DUPLICATE {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            on.add(datagram);
            if (byChance()) {
                on.add(datagram);
            }
        }
    },
    /** Also sends everything again that it has seen some time ago. */
    REPEAT_LATER {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            on.add(datagram);
            memory.add(datagram);
            if (memory.size() > 100) {
                on.add(memory.get(CHANCE.nextInt(memory.size())));
            }
        }
    },
    REORDER {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            if (memory.isEmpty() && byChance()) {
                memory.add(datagram);
                return;
            }
            on.add(datagram);
            on.addAll(memory);
            memory.clear();
        }
    },
    /** Changes a value of a plain vector, and the checksum with it. */
    REWRITE {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            if (datagram.length > VALUES_AT + 256 && byChance()) {
                datagram[VALUES_AT + 4 * CHANCE.nextInt(32) + 2] ^= 1;
                CRC32C checksum = new CRC32C();
                checksum.update(datagram, AERON_HEADER, datagram.length - AERON_HEADER);
                ByteBuffer.wrap(datagram).order(ByteOrder.LITTLE_ENDIAN).putInt(CHECKSUM_AT, (int) checksum.getValue());
            }
            on.add(datagram);
        }
    },
    /** Sends noise between. */
    GARBAGE {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            byte[] noise = new byte[CHANCE.nextInt(1_400)];
            CHANCE.nextBytes(noise);
            on.add(noise);
            on.add(datagram);
        }
    },
    /** Does one or the other of what is above to each datagram, but reorders none. */
    ALL {
        @Override
        void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
            IN_TURN.get(CHANCE.nextInt(IN_TURN.size())).pass(datagram, memory, on);
        }
    },
    /** Sends between all what it has seen in an earlier run. */
    REPLAY,
    /** Flips a bit of the first connections to the rendezvous, then stops. */
    FLIP_JOINS {
        @Override
        boolean flipsConnection(int number, long received, boolean training) {
            return number < 3 && received > 64;
        }
    },
    /** Flips bits of the connection to the rendezvous once the ranks train. */
    FLIP_CONTROL {
        @Override
        boolean flipsConnection(int number, long received, boolean training) {
            return training;
        }
    };

    private static final List<Tampering> IN_TURN = List.of(FLIP, TRUNCATE, DROP, DUPLICATE, REPEAT_LATER, GARBAGE);
    private static final int RARITY = 30;
    private static final int AERON_HEADER = 32;
    private static final int CHECKSUM_AT = 24;
    private static final int VALUES_AT = AERON_HEADER + 64;
    private static final Random CHANCE = new Random(3);

    private static boolean byChance() {
        return CHANCE.nextInt(RARITY) == 0;
    }

    /**
     * One datagram passes.
     *
     * @param memory kept between calls for one receiving socket
     * @param on what to send on, to be filled
     */
    void pass(byte[] datagram, List<byte[]> memory, List<byte[]> on) {
        on.add(datagram);
    }

    /**
     * Whether to flip a bit of the next bytes of a connection.
     *
     * @param number of the connection, from 0
     * @param received bytes before them
     * @param training whether datagrams pass already
     */
    boolean flipsConnection(int number, long received, boolean training) {
        return false;
    }
}
