package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Checks by what the ranks of a run between hosts would know each other. Never shows the secret.
 *
 * @param environment as returned by {@link System#getenv()}
 */
record SecretCheckup(Map<String, String> environment) {

    List<Finding> findings() throws IOException {
        List<Finding> findings = new ArrayList<>(List.of(secret()));
        String trusted = GyreVariable.TRUSTED_NETWORK.text(environment).orElse("false");
        switch (trusted) {
            case "false" -> {}
            case "true" ->
                findings.add(Finding.hint(
                        "trusted network",
                        "declared",
                        "whoever reaches the ports of a run can alter it; a secret prevents that: gyre secret FILE"));
            default ->
                findings.add(Finding.problem(
                        "trusted network",
                        "'" + trusted + "'",
                        "set " + GyreVariable.TRUSTED_NETWORK + " to true or false, or unset it"));
        }
        return findings;
    }

    private Finding secret() throws IOException {
        String name = GyreVariable.SECRET_FILE.text(environment).orElse("");
        if (name.isEmpty()) {
            return Finding.ok("secret", "none set");
        }
        Path file = Path.of(name);
        try {
            RunSecret.read(file);
        } catch (IllegalArgumentException | UncheckedIOException e) {
            return Finding.problem("secret", GyreVariable.SECRET_FILE + " is not usable", String.valueOf(e.getMessage()));
        }
        return Finding.ok(
                "secret",
                name + ", " + PosixFilePermissions.toString(Files.getPosixFilePermissions(file)) + ", "
                        + Files.size(file) + " bytes");
    }
}
