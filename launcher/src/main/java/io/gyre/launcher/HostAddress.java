package io.gyre.launcher;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The names and addresses by which hosts reach each other. */
final class HostAddress {

    private static final Logger log = LoggerFactory.getLogger(HostAddress.class);

    /** How ssh begins the line with the name, when it is asked for its configuration. */
    private static final String NAME_LINE = "hostname ";

    private HostAddress() {}

    /** Name of this host, for messages. */
    static String ownName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    /** Whether the name refers to this host. */
    static boolean isOwn(String host) {
        return host.equals("localhost") || host.equals(ownName());
    }

    /** The name without the user that may precede it for ssh. */
    static String withoutUser(String host) {
        return host.substring(host.lastIndexOf('@') + 1);
    }

    /** The address of a host; a name that only other hosts know is returned unchanged. */
    static String of(String name) {
        try {
            return InetAddress.getByName(name).getHostAddress();
        } catch (UnknownHostException e) {
            log.debug("no host is called {} here", name, e);
            return name;
        }
    }

    /**
     * The name or address to which ssh connects for a host: in its configuration, that may be an alias.
     *
     * @param host as passed to ssh, perhaps with a user
     */
    static String ofSsh(String host) {
        try {
            Process ssh = new ProcessBuilder("ssh", "-G", host)
                    .redirectErrorStream(true)
                    .start();
            ssh.getOutputStream().close();
            try (BufferedReader lines = ssh.inputReader()) {
                return lines.lines()
                        .filter(line -> line.startsWith(NAME_LINE))
                        .map(line -> line.substring(NAME_LINE.length()).strip())
                        .reduce((first, second) -> first)
                        .orElseGet(() -> withoutUser(host));
            }
        } catch (IOException e) {
            // Starting a rank there will fail, and say so.
            log.debug("ssh cannot be asked for {}", host, e);
            return withoutUser(host);
        }
    }
}
