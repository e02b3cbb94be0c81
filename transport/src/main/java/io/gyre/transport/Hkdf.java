package io.gyre.transport;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Derives keys from a secret: HKDF with SHA-256 (RFC 5869). */
final class Hkdf {

    private static final String HMAC = "HmacSHA256";
    private static final int HASH_BYTES = 32;

    private Hkdf() {}

    /**
     * Derives a key.
     *
     * @param secret input keying material
     * @param salt need not be secret
     * @param label purpose of the key: other labels give keys that tell nothing about this one
     * @param length bytes of the key, at most 255 * 32
     */
    static byte[] derive(byte[] secret, byte[] salt, String label, int length) {
        byte[] info = label.getBytes(StandardCharsets.UTF_8);
        byte[] key = hmac(salt.length == 0 ? new byte[HASH_BYTES] : salt, secret);
        byte[] out = new byte[length];
        byte[] block = new byte[0];
        int done = 0;
        for (int i = 1; done < length; i++) {
            block = hmac(key, block, info, new byte[] {(byte) i});
            int count = Math.min(block.length, length - done);
            System.arraycopy(block, 0, out, done, count);
            done += count;
        }
        Arrays.fill(key, (byte) 0);
        return out;
    }

    private static byte[] hmac(byte[] key, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            for (byte[] part : parts) {
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has " + HMAC, e);
        }
    }
}
