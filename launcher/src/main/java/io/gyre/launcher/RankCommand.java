package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import io.gyre.transport.RunSecret;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The command that starts one rank, here or over ssh.
 *
 * <p>A rank begins as a shell, which starts a watcher and then becomes the JVM by exec, with the same process id. The
 * watcher reads the rank's standard input, a pipe from the launcher. The words {@code TERM} and {@code KILL} on it are
 * signals to forward. End of file means that the rank has ended, or the launcher has, for whatever reason: a rank that
 * still runs is then told to end, and killed a second later. The watcher is a separate process because nothing can be
 * asked of a user's program, and because a JVM that hangs could not watch.
 *
 * <p>Before the words, the pipe carries the run's token, because other users can read arguments, here and on the other
 * host. The shell stores it in a file that only this user can read, and names the file to the JVM
 * ({@link GyreVariable#TOKEN_FILE}). {@code dd} reads one byte at a time, so that it leaves the words in the pipe. The
 * watcher removes the file when the pipe ends.
 *
 * <p>Ctrl-C in a terminal, and closing it, signal every process there. Ranks, and the ssh to a rank, ignore these
 * signals: the launcher handles them. The ssh also ignores SIGTERM, which a batch system sends to all processes:
 * otherwise the pipe would close, and its rank would lose its time to end.
 */
final class RankCommand {

    /** First word of the line in which a rank behind ssh reports its process id. */
    static final String PID_LINE = "gyre-rank-pid ";

    /** Words are: directory, Java, its arguments. */
    private static final String BEGIN = """
            cd "$1" || exit 1
            shift
            if ! command -v "$1" >/dev/null; then
                shift
                set -- java "$@"
            fi
            if [ -z "$OMP_NUM_THREADS" ]; then
                cores=$(getconf _NPROCESSORS_ONLN || echo 1)
                OMP_NUM_THREADS=$((cores > GYRE_LOCAL_SIZE ? cores / GYRE_LOCAL_SIZE : 1))
                export OMP_NUM_THREADS OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-$OMP_NUM_THREADS}"
            fi
            files=$(ulimit -Hn)
            if [ "$files" != unlimited ] && [ "$files" -lt 128 ]; then
                echo "rank $GYRE_RANK may have $files files open on $(uname -n), and 128 are needed: raise the limit" \
                    "(ulimit -Hn; nofile in /etc/security/limits.conf; --ulimit nofile=4096 of a container)" >&2
                exit 1
            fi
            trap '' INT HUP TERM
            """;

    private static final String KEEP_TOKEN = """
            [ -w /dev/shm ] && GYRE_TOKEN_FILE=/dev/shm || GYRE_TOKEN_FILE=${TMPDIR:-/tmp}
            if ! GYRE_TOKEN_FILE=$(mktemp -d "$GYRE_TOKEN_FILE/gyre-token.XXXXXXXXXX")/token \
                || ! (umask 077 && dd bs=1 count=%d of="$GYRE_TOKEN_FILE" 2>/dev/null); then
                echo "rank $GYRE_RANK could not store the token of its run in /dev/shm, or else TMPDIR, of" \
                    "$(uname -n): make room there" >&2
                rm -rf "${GYRE_TOKEN_FILE%%/token}"
                exit 1
            fi
            export GYRE_TOKEN_FILE
            """.formatted(RunSecret.MIN_BYTES);

    /** With the command that the watcher runs when the pipe ends. */
    private static final String WATCH = """
            exec 3<&0
            (
                while read -r word; do
                    kill -"$word" $$
                done
                %s
                kill -TERM $$ && sleep 1 && kill -KILL $$
            ) <&3 >/dev/null 2>&1 &
            trap - TERM
            exec "$@" </dev/null 3<&-
            """;

    private static final String SCRIPT = BEGIN + KEEP_TOKEN + WATCH.formatted("rm -rf \"${GYRE_TOKEN_FILE%/token}\"");

    private static final String SCRIPT_WITHOUT_TOKEN = BEGIN + WATCH.formatted(":");

    private RankCommand() {}

    /**
     * Command for a rank on this host. The rank inherits the environment of the process.
     *
     * @param directory where the program runs
     * @param java Java and its arguments
     */
    static List<String> here(String directory, List<String> java) {
        return command(SCRIPT, directory, java);
    }

    /** The same for a rank that gets no token through its standard input. */
    static List<String> withoutToken(String directory, List<String> java) {
        return command(SCRIPT_WITHOUT_TOKEN, directory, java);
    }

    private static List<String> command(String script, String directory, List<String> java) {
        List<String> command = new ArrayList<>(List.of("sh", "-c", script, "gyre-rank", directory));
        command.addAll(java);
        return command;
    }

    /**
     * Command for a rank on another host. The environment is part of the command, because sshd accepts none: it must
     * not contain secrets.
     *
     * @param host as passed to ssh, perhaps with a user
     */
    static List<String> over(String host, Map<String, String> environment, String directory, List<String> java) {
        List<String> remote = new ArrayList<>(List.of("env"));
        environment.forEach((name, value) -> remote.add(name + "=" + value));
        remote.addAll(here(directory, java));
        return List.of(
                "sh",
                "-c",
                "trap '' INT HUP TERM; exec \"$@\"",
                "gyre-ssh",
                "ssh",
                "-o",
                "BatchMode=yes",
                "-o",
                "ConnectTimeout=10",
                host,
                "echo " + PID_LINE + "$$; exec " + Shell.line(remote));
    }
}
