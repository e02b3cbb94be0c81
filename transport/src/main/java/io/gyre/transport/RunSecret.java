package io.gyre.transport;

import io.gyre.OptionRange;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;

/**
 * A secret that all processes of a run share, and nobody else. Who knows it can join the run; the secret itself is
 * never sent. Immutable. Neither {@link #toString} nor {@link #hashCode} tells anything about it.
 */
public final class RunSecret {

    /** Fewest bytes: less could be guessed. */
    public static final int MIN_BYTES = 32;

    /** Most bytes: a longer file is most likely another one. */
    public static final int MAX_BYTES = 1_024;

    private final byte[] bytes;

    private RunSecret(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Makes a new secret of {@value #MIN_BYTES} random bytes. */
    public static RunSecret random(SecureRandom random) {
        byte[] bytes = new byte[MIN_BYTES];
        random.nextBytes(bytes);
        return new RunSecret(bytes);
    }

    /**
     * A secret that another program has made and handed over, such as a cluster's driver to its executors.
     *
     * @param bytes {@value #MIN_BYTES} to {@value #MAX_BYTES} of them, of a random source; copied
     * @throws IllegalArgumentException if there are fewer or more
     */
    public static RunSecret of(byte[] bytes) {
        OptionRange.check("bytes of the secret", bytes.length, MIN_BYTES, MAX_BYTES);
        return new RunSecret(bytes.clone());
    }

    /** The secret that everybody knows. */
    static RunSecret known() {
        return new RunSecret(new byte[MIN_BYTES]);
    }

    /**
     * Reads a secret: all bytes of a file, 32 to 1,024 of them. The file must belong to this user or to root, and be
     * accessible to its owner only (mode 600 or less).
     *
     * @throws IllegalArgumentException if there is no such file, or others could read or replace it, or its size is
     *     wrong
     * @throws UncheckedIOException if the file cannot be read
     */
    public static RunSecret read(Path file) {
        try {
            return new RunSecret(PrivateFile.read(file, MIN_BYTES, MAX_BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException("the secret cannot be read from file " + file + ": " + e.getMessage(), e);
        }
    }

    /**
     * Reads the secret that the environment names: the user's ({@link GyreVariable#SECRET_FILE}), the launcher's
     * ({@link GyreVariable#TOKEN_FILE}), or, if there are both, one that only those know who have both.
     *
     * @param environment as returned by {@link System#getenv()}
     * @throws IllegalArgumentException as {@link #read}, with the variable
     * @throws UncheckedIOException if a file cannot be read
     */
    public static Optional<RunSecret> fromEnvironment(Map<String, String> environment) {
        Optional<RunSecret> secret = named(GyreVariable.SECRET_FILE, environment);
        Optional<RunSecret> token = named(GyreVariable.TOKEN_FILE, environment);
        return secret.isPresent() && token.isPresent()
                ? Optional.of(secret.get().and(token.get()))
                : secret.or(() -> token);
    }

    private static Optional<RunSecret> named(GyreVariable variable, Map<String, String> environment) {
        return variable.text(environment).map(file -> {
            try {
                return read(Path.of(file));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("environment variable " + variable + ": " + e.getMessage(), e);
            }
        });
    }

    /**
     * The secret of those who know both this one and another. The order matters: the user's secret first, then the
     * launcher's token.
     */
    public RunSecret and(RunSecret other) {
        return new RunSecret(Hkdf.derive(bytes, other.bytes, "gyre both secrets", MIN_BYTES));
    }

    /**
     * Writes the secret to a new file that only this user can read. Readers see either nothing or the whole file.
     *
     * @throws IllegalArgumentException if there is a file of that name: it may be the secret of others
     * @throws UncheckedIOException if the file cannot be written
     */
    public void write(Path file) {
        try {
            PrivateFile.write(file, bytes);
        } catch (FileAlreadyExistsException e) {
            throw new IllegalArgumentException(
                    "file " + file + " exists already, and is kept: remove it, or name another", e);
        } catch (IOException e) {
            throw new UncheckedIOException("the secret cannot be written to file " + file + ": " + e.getMessage(), e);
        }
    }

    /**
     * Writes the secret to a process that this user has started.
     *
     * @param pipe borrowed; nobody else can read it
     */
    public void writeTo(OutputStream pipe) throws IOException {
        pipe.write(bytes);
    }

    /** A copy, for a process that has proved that it may know them. */
    ByteBuffer bytes() {
        return ByteBuffer.wrap(bytes.clone());
    }

    /**
     * Derives a key.
     *
     * @param label purpose of the key: keys of different purposes tell nothing about each other
     * @param length bytes of the key
     */
    byte[] key(String label, int length) {
        return Hkdf.derive(bytes, new byte[0], label, length);
    }

    /** Whether both are the same secret; takes the same time wherever they differ. */
    @Override
    public boolean equals(Object other) {
        return other instanceof RunSecret secret && MessageDigest.isEqual(bytes, secret.bytes);
    }

    /** The length, which tells nothing about the bytes. */
    @Override
    public int hashCode() {
        return bytes.length;
    }

    /** The same for every secret. */
    @Override
    public String toString() {
        return "RunSecret[hidden]";
    }
}
