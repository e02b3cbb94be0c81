package io.gyre.benchmarks.jmh;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.concurrent.TimeUnit;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Java's AES-128-GCM on one datagram, which is the floor of what sealing costs: each datagram is sealed once and opened
 * once. {@code Copied} has the copies from and to direct memory that Gyre makes; {@code Direct} leaves them to Java.
 */
@SuppressWarnings("NullAway.Init") // JMH calls the method with @Setup before all others.
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CipherBenchmark {

    private static final int TAG = 16;
    private static final int NONCE = 12;
    private static final int FEW_BYTES = 64;
    private static final int WARM_UP_CALLS = 20_000;

    /** Bytes: the texts of a datagram for Ethernet, and of the largest one. */
    @Param({"1376", "65472"})
    public int bytes;

    private final SecretKeySpec key = new SecretKeySpec(new byte[16], "AES");
    private final ByteBuffer nonce = ByteBuffer.allocate(NONCE);
    private Cipher cipher;
    private byte[] text;
    private byte[] sealed;
    private ByteBuffer directText;
    private ByteBuffer directSealed;
    private long counter;
    private byte[] known;
    private byte[] knownNonce;

    @Setup
    public void allocate() throws GeneralSecurityException {
        cipher = Cipher.getInstance("AES/GCM/NoPadding");
        text = new byte[bytes];
        sealed = new byte[bytes + TAG];
        directText = ByteBuffer.allocateDirect(bytes);
        directSealed = ByteBuffer.allocateDirect(bytes + TAG);
        seal();
        known = sealed.clone();
        knownNonce = nonce.array().clone();
        warmUp();
    }

    /** By as many calls, whatever their length, Java begins to use the processor's instructions for AES. */
    private void warmUp() throws GeneralSecurityException {
        int whole = bytes;
        bytes = FEW_BYTES;
        byte[] few = new byte[FEW_BYTES + TAG];
        for (int call = 0; call < WARM_UP_CALLS; call++) {
            int length = seal();
            cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG * Byte.SIZE, nonce.array()));
            cipher.doFinal(sealed, 0, length, few, 0);
        }
        bytes = whole;
    }

    @Benchmark
    public int seal() throws GeneralSecurityException {
        begin();
        return cipher.doFinal(text, 0, bytes, sealed, 0);
    }

    @Benchmark
    public int sealCopied() throws GeneralSecurityException {
        directText.get(0, text, 0, bytes);
        int length = seal();
        directSealed.put(0, sealed, 0, length);
        return length;
    }

    @Benchmark
    public int sealDirect() throws GeneralSecurityException {
        begin();
        return cipher.doFinal(directText.clear(), directSealed.clear());
    }

    @Benchmark
    public int open() throws GeneralSecurityException {
        cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG * Byte.SIZE, knownNonce));
        return cipher.doFinal(known, 0, known.length, text, 0);
    }

    private void begin() throws GeneralSecurityException {
        nonce.putLong(NONCE - Long.BYTES, ++counter);
        cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG * Byte.SIZE, nonce.array()));
    }
}
