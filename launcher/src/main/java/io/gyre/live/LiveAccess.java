package io.gyre.live;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may see the live page. On loopback: who asks for it by a name of loopback, so that a page of a stranger whose name
 * is made to lead to this host sees nothing (DNS rebinding). Elsewhere: who has the token, from the address that was
 * printed, or from the cookie that it left.
 */
final class LiveAccess {

    private static final String PARAMETER = "token=";
    private static final int TOKEN_BYTES = 16;
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]");

    private final @Nullable String token;

    private LiveAccess(@Nullable String token) {
        this.token = token;
    }

    /** For a page that listens on loopback, or elsewhere. */
    static LiveAccess of(LiveAddress address) {
        if (!address.isOpen()) {
            return new LiveAccess(null);
        }
        byte[] random = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(random);
        return new LiveAccess(HexFormat.of().formatHex(random));
    }

    /** What follows the path in the address that is printed: with the token, if one is needed. */
    String query() {
        return token == null ? "" : "?" + PARAMETER + token;
    }

    /** Why a request is refused; null if it is not. One with the token in its address is given the cookie. */
    @Nullable String refusal(HttpExchange exchange) {
        Headers headers = exchange.getRequestHeaders();
        String expected = token;
        if (expected == null) {
            String host = headers.getFirst("Host");
            return host != null && LOOPBACK.contains(host.replaceFirst(":\\d{1,5}$", ""))
                    ? null
                    : "This page is for this host: open it as 127.0.0.1 or localhost.";
        }
        String cookie = "gyre-live-" + exchange.getLocalAddress().getPort() + "=";
        if (isIn(parts(exchange.getRequestURI(), "&"), PARAMETER, expected)) {
            exchange.getResponseHeaders().set("Set-Cookie", cookie + expected + "; HttpOnly; SameSite=Strict; Path=/");
            return null;
        }
        for (String each : headers.getOrDefault("Cookie", List.of())) {
            if (isIn(each.split(";\\s*"), cookie, expected)) {
                return null;
            }
        }
        return "This page needs its token: open the whole address that the run has printed.";
    }

    private static String[] parts(URI uri, String separator) {
        String query = uri.getRawQuery();
        return query == null ? new String[0] : query.split(separator);
    }

    private static boolean isIn(String[] parts, String name, String expected) {
        for (String part : parts) {
            if (part.startsWith(name) && isEqual(part.substring(name.length()), expected)) {
                return true;
            }
        }
        return false;
    }

    /** In a time that does not tell how much of it is right. */
    private static boolean isEqual(String given, String expected) {
        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), expected.getBytes(StandardCharsets.UTF_8));
    }
}
