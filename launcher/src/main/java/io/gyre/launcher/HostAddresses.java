package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.OwnAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The addresses at which the hosts of a run reach each other. That of this host is the one on the route to the first
 * other host, unless the user names it.
 */
final class HostAddresses {

    private final OwnAddress own;
    private final Map<String, String> others = new LinkedHashMap<>();
    private final Map<String, String> aliases = new LinkedHashMap<>();

    /**
     * Finds the addresses of all hosts.
     *
     * @param places of ranks, at least one on another host
     * @param bind the user's address or network interface of this host, if given
     * @throws IllegalArgumentException if it is unknown at which address the other hosts reach this one
     */
    HostAddresses(List<Placement> places, Optional<String> bind) {
        for (Placement place : places) {
            if (!place.here() && !others.containsKey(place.host())) {
                String name = HostAddress.ofSsh(place.host());
                others.put(place.host(), HostAddress.of(name));
                if (!name.equals(HostAddress.withoutUser(place.host()))) {
                    aliases.put(place.host(), name);
                }
            }
        }
        own = bind.map(OwnAddress::named).orElseGet(this::towardsTheFirst);
    }

    private OwnAddress towardsTheFirst() {
        Map.Entry<String, String> first = others.entrySet().iterator().next();
        try {
            return OwnAddress.towards(InetAddress.getByName(first.getValue()));
        } catch (UnknownHostException e) {
            throw cannotTell(first.getKey(), "no host is called '" + first.getValue() + "'", e);
        } catch (IOException e) {
            throw cannotTell(first.getKey(), String.valueOf(e.getMessage()), e);
        }
    }

    private static IllegalArgumentException cannotTell(String host, String why, IOException cause) {
        return new IllegalArgumentException(
                "cannot tell at which address host " + host + " reaches this one (" + why + "): set "
                        + GyreVariable.BIND + " to it, or give --interface",
                cause);
    }

    /** This host's address. */
    String own() {
        return own.address().getHostAddress();
    }

    /** The address of a rank's host. */
    String of(Placement place) {
        return place.here() ? own() : others.getOrDefault(place.host(), place.host());
    }

    /** What was chosen, and why, for people. */
    @Override
    public String toString() {
        return "other hosts reach this one at " + own
                + (aliases.isEmpty()
                        ? ""
                        : "; by the configuration of ssh, "
                                + aliases.entrySet().stream()
                                        .map(alias -> alias.getKey() + " is " + alias.getValue())
                                        .reduce((one, two) -> one + ", " + two)
                                        .orElse(""));
    }
}
