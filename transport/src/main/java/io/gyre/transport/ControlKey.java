package io.gyre.transport;

import io.gyre.membership.Message;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Vector;
import org.bouncycastle.tls.AbstractTlsClient;
import org.bouncycastle.tls.AbstractTlsServer;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.NamedGroup;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.PskKeyExchangeMode;
import org.bouncycastle.tls.TlsAuthentication;
import org.bouncycastle.tls.TlsCredentials;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsPSK;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;
import org.jspecify.annotations.Nullable;

/**
 * What both ends of a control connection prove to each other that they know: derived from the run's secret and the
 * version of the messages, so that ranks of another version do not get further than strangers.
 *
 * <p>The proof is TLS 1.3 (RFC 8446) with an external pre-shared key and an ephemeral X25519 exchange: recordings
 * cannot be decrypted by who learns the secret later. One cipher suite, no certificates, no resumption.
 */
@SuppressWarnings({"JdkObsolete", "rawtypes"}) // The library's vectors.
final class ControlKey {

    private static final byte[] IDENTITY = "gyre".getBytes(StandardCharsets.US_ASCII);
    private static final int KEY_BYTES = 32;
    private static final int[] CIPHER_SUITES = {CipherSuite.TLS_AES_128_GCM_SHA256};
    private static final short[] MODES = {PskKeyExchangeMode.psk_dhe_ke};

    /** Longest message of the handshake; the longest that either side sends has some 200 bytes. */
    private static final int MAX_MESSAGE_BYTES = 2_048;

    private final TlsCrypto crypto = new BcTlsCrypto(new SecureRandom());
    private final byte[] key;

    ControlKey(RunSecret secret) {
        this(secret, Message.PROTOCOL_VERSION);
    }

    ControlKey(RunSecret secret, int version) {
        key = secret.key("gyre control connection, version " + version, KEY_BYTES);
    }

    /** The accepting end of a new connection. */
    ControlTls accept() {
        return ControlTls.accept(new Server());
    }

    /** The connecting end of a new connection. */
    ControlTls connect() {
        return ControlTls.connect(new Client());
    }

    private TlsPSKExternal presharedKey() {
        return new BasicTlsPSKExternal(IDENTITY, crypto.createSecret(key.clone()), PRFAlgorithm.tls13_hkdf_sha256);
    }

    private static <T> Vector<T> only(T element) {
        Vector<T> vector = new Vector<>();
        vector.add(element);
        return vector;
    }

    private final class Client extends AbstractTlsClient {

        Client() {
            super(crypto);
        }

        @Override
        protected ProtocolVersion[] getSupportedVersions() {
            return ProtocolVersion.TLSv13.only();
        }

        @Override
        protected int[] getSupportedCipherSuites() {
            return CIPHER_SUITES.clone();
        }

        @Override
        protected Vector<Integer> getSupportedGroups(Vector roles) {
            return only(NamedGroup.x25519);
        }

        @Override
        public short[] getPskKeyExchangeModes() {
            return MODES.clone();
        }

        @Override
        public Vector<TlsPSKExternal> getExternalPSKs() {
            return only(presharedKey());
        }

        @Override
        public void notifySelectedPSK(@Nullable TlsPSK selected) throws TlsFatalAlert {
            if (selected == null) {
                throw new TlsFatalAlert(AlertDescription.handshake_failure, "it does not use the secret");
            }
        }

        @Override
        public TlsAuthentication getAuthentication() throws TlsFatalAlert {
            throw new TlsFatalAlert(AlertDescription.handshake_failure, "it offers a certificate instead");
        }

        @Override
        public boolean shouldUseCompatibilityMode() {
            return false;
        }

        @Override
        public int getMaxHandshakeMessageSize() {
            return MAX_MESSAGE_BYTES;
        }
    }

    private final class Server extends AbstractTlsServer {

        Server() {
            super(crypto);
        }

        @Override
        protected ProtocolVersion[] getSupportedVersions() {
            return ProtocolVersion.TLSv13.only();
        }

        @Override
        protected int[] getSupportedCipherSuites() {
            return CIPHER_SUITES.clone();
        }

        @Override
        public int[] getSupportedGroups() {
            return new int[] {NamedGroup.x25519};
        }

        @Override
        public short[] getPskKeyExchangeModes() {
            return MODES.clone();
        }

        @Override
        public @Nullable TlsPSKExternal getExternalPSK(Vector identities) {
            return identities.contains(new PskIdentity(IDENTITY, 0)) ? presharedKey() : null;
        }

        /** There is no certificate: without the pre-shared key, a handshake fails here. */
        @Override
        public TlsCredentials getCredentials() throws TlsFatalAlert {
            throw new TlsFatalAlert(AlertDescription.handshake_failure, "it does not use the secret");
        }

        @Override
        public int getMaxHandshakeMessageSize() {
            return MAX_MESSAGE_BYTES;
        }
    }
}
