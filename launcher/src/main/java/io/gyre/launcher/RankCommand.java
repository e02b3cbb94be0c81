package io.gyre.launcher;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The command that starts one rank, here or over ssh.
 *
 * <p>A rank begins as a shell, which leaves a watcher behind and then becomes the JVM, keeping its process id. The
 * watcher holds the rank's standard input, a pipe from the launcher. {@code TERM} and {@code KILL} on it are signals to
 * pass on. The end of the pipe says that the rank has ended, or that the launcher has, however it died: a rank that is
 * still there is then told to end, and killed a second later. It is a process of its own because a user's program owes
 * us nothing, and because a JVM that hangs could not watch.
 *
 * <p>Ctrl-C in a terminal, and its closing, reach every process there. Ranks, and the ssh that leads to one, do not
 * hear them: the launcher does, and decides. The ssh does not hear SIGTERM either, which a batch system sends to all:
 * with it would go the pipe, and the time that its rank has to end.
 */
final class RankCommand {

    /** First word of the line by which a rank behind ssh tells its process id. */
    static final String PID_LINE = "gyre-rank-pid ";

    /** Words are: directory, Java, its arguments. */
    private static final String SCRIPT = """
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
            exec 3<&0
            (
                trap '' TERM HUP
                while read -r word; do
                    kill -"$word" $$
                done
                kill -TERM $$ && sleep 1 && kill -KILL $$
            ) <&3 >/dev/null 2>&1 &
            trap '' INT HUP
            exec "$@" </dev/null 3<&-
            """;

    private RankCommand() {}

    /**
     * For a rank on this host. Its environment is that of the process.
     *
     * @param directory where the program runs
     * @param java Java and its arguments
     */
    static List<String> here(String directory, List<String> java) {
        List<String> command = new ArrayList<>(List.of("sh", "-c", SCRIPT, "gyre-rank", directory));
        command.addAll(java);
        return command;
    }

    /**
     * For a rank on another host. The environment travels in the command, because sshd accepts none.
     *
     *
     * @param host as ssh takes it, perhaps with a user
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
