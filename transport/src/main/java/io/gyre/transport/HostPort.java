package io.gyre.transport;

import org.jspecify.annotations.Nullable;

/**
 * The parts of a text {@code host:port}. Nothing is resolved.
 *
 * @param host name or address; one of IPv6 without its brackets
 * @param port 0 to 65535
 */
record HostPort(String host, int port) {

    /**
     * Reads one.
     *
     * @return null if the text is a path: it does not end in a colon and a number
     * @throws IllegalArgumentException if there is no such port
     */
    static @Nullable HostPort parse(String text) {
        int colon = text.lastIndexOf(':');
        String port = text.substring(colon + 1);
        if (colon <= 0 || port.isEmpty() || port.length() > 5 || !port.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return null;
        }
        int number = Integer.parseInt(port);
        if (number > 65_535) {
            throw new IllegalArgumentException("rendezvous " + text + ": there is no port " + number);
        }
        String host = text.substring(0, colon);
        boolean bracketed = host.length() > 2 && host.startsWith("[") && host.endsWith("]");
        return new HostPort(bracketed ? host.substring(1, host.length() - 1) : host, number);
    }
}
