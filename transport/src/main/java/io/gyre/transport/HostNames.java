package io.gyre.transport;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** How names of hosts become addresses. */
@FunctionalInterface
interface HostNames {

    /** The system's way. */
    HostNames OF_SYSTEM = InetAddress::getByName;

    /** Returns the address of a host. */
    InetAddress find(String name) throws UnknownHostException;
}
