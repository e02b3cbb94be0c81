package io.gyre.transport;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.InvalidKeyException;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-128-GCM under the key of one direction between two processes. One thread at a time.
 *
 * <p>Text is in arrays, with which Java's implementation is faster than with direct buffers. The object with the nonce
 * and some more inside Java are allocated for each datagram: its interface offers no other way.
 */
final class DatagramCipher {

    static final int KEY_BYTES = 16;
    static final int TAG_BYTES = 16;

    /** What {@link #open} returns for a text that was not sealed under this key and nonce. */
    static final int FORGED = -1;

    /** After as many calls, whatever their length, the JVM uses the processor's instructions for AES. */
    private static final int WARM_UP_CALLS = 20_000;

    private static final int WARM_UP_BYTES = 64;

    private static final AtomicBoolean WARM = new AtomicBoolean();

    private static final String TRANSFORMATION = "AES/GCM/NoPadding";
    private static final int NONCE_BYTES = 12;
    private static final int NUMBER_AT = 4;

    private final Cipher cipher;
    private final int mode;
    private final SecretKeySpec key;
    private final byte[] nonce = new byte[NONCE_BYTES];
    private final ByteBuffer nonceView = ByteBuffer.wrap(nonce);

    private DatagramCipher(int mode, byte[] key) {
        this.mode = mode;
        this.key = new SecretKeySpec(key, "AES");
        try {
            cipher = Cipher.getInstance(TRANSFORMATION);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + TRANSFORMATION, e);
        }
    }

    /**
     * Lets the JVM compile what this class needs, once in a process. Otherwise the first thousands of datagrams would
     * be sealed by interpreted code, however long they are.
     */
    static void warmUp() {
        if (!WARM.compareAndSet(false, true)) {
            return;
        }
        DatagramCipher sealing = forSealing(new byte[KEY_BYTES]);
        DatagramCipher opening = forOpening(new byte[KEY_BYTES]);
        byte[] text = new byte[WARM_UP_BYTES];
        byte[] sealed = new byte[WARM_UP_BYTES + TAG_BYTES];
        for (int counter = 1; counter <= WARM_UP_CALLS; counter++) {
            int length = sealing.seal(0, counter, text, WARM_UP_BYTES, sealed);
            opening.open(0, counter, sealed, length, text);
        }
    }

    static DatagramCipher forSealing(byte[] key) {
        return new DatagramCipher(Cipher.ENCRYPT_MODE, key);
    }

    static DatagramCipher forOpening(byte[] key) {
        return new DatagramCipher(Cipher.DECRYPT_MODE, key);
    }

    /**
     * Encrypts, and appends the tag. No two calls may have the same endpoint and number.
     *
     * @return length of the sealed text
     */
    int seal(int endpoint, long number, byte[] text, int length, byte[] sealed) {
        try {
            begin(endpoint, number);
            return cipher.doFinal(text, 0, length, sealed, 0);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a datagram of " + length + " bytes cannot be sealed", e);
        }
    }

    /**
     * Checks the tag, and decrypts.
     *
     * @param length of the sealed text with its tag
     * @return length of the text, or {@link #FORGED}
     */
    int open(int endpoint, long number, byte[] sealed, int length, byte[] text) {
        try {
            begin(endpoint, number);
            return cipher.doFinal(sealed, 0, length, text, 0);
        } catch (AEADBadTagException e) {
            return FORGED;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a datagram of " + length + " bytes cannot be opened", e);
        }
    }

    private void begin(int endpoint, long number) throws InvalidKeyException, InvalidAlgorithmParameterException {
        nonceView.putInt(0, endpoint).putLong(NUMBER_AT, number);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, nonce));
    }
}
