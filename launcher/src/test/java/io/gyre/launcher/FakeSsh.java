package io.gyre.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/**
 * Programs of a test's own that a launcher finds before those of the system.
 *
 * @param bin directory for them
 */
record FakeSsh(Path bin) {

    /**
     * An {@code ssh} that runs its command in this host's shell, with the bare environment of a login. It writes its
     * arguments and its own environment to a file beside it. It has no aliases.
     */
    static FakeSsh in(Path bin) throws IOException {
        FakeSsh fake = new FakeSsh(bin);
        fake.write("ssh", """
                #!/bin/sh
                [ "$1" = -G ] && echo "hostname $2" && exit
                { printf '%s\\n' "$@"; env; } >"$0-$$"
                while [ "${1#-}" != "$1" ]; do shift 2; done
                host=$1
                shift
                exec env -i --default-signal=HUP,INT,TERM HOME=/ PATH="$PATH" SSH_HOST="$host" sh -c "$*"
                """);
        return fake;
    }

    void write(String name, String script) throws IOException {
        Path program = bin.resolve(name);
        Files.writeString(program, script);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Variables for the launcher. */
    Map<String, String> environment() {
        return Map.of("PATH", bin + ":" + System.getenv("PATH"));
    }
}
