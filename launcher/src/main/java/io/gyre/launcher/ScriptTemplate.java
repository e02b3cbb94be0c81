package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Shell scripts that start ranks by SLURM, MPI or Spark. */
final class ScriptTemplate {

    /** Beyond the grace: for the ranks to be told, and for the rest to be killed. */
    private static final int TO_TELL_SECONDS = 10;

    /** Where the ranks of several hosts meet, if the launcher does not say. */
    private static final int PORT = 29_600;

    /** ND4J's arrays are not in the heap, but Spark's rows are. */
    private static final int HEAP_OF_MEMORY = 4;

    private static final String SECRET = """
            # Made by: gyre secret ~/.gyre-secret. All hosts need it, at this path.
            export %s="${GYRE_SECRET_FILE:-$HOME/.gyre-secret}"
            """.formatted(GyreVariable.SECRET_FILE);

    private ScriptTemplate() {}

    static String slurm(TemplateOptions options) {
        Map<String, String> values = common(options);
        int perNode = options.ranks() / options.nodes();
        values.put("name", options.name());
        values.put("nodes", String.valueOf(options.nodes()));
        values.put("ranksPerNode", String.valueOf(perNode));
        values.put("cores", String.valueOf(options.cores()));
        values.put("memoryPerNode", String.valueOf(options.memory() * perNode));
        values.put("time", options.time());
        values.put("signalSeconds", String.valueOf(options.grace() + TO_TELL_SECONDS));
        values.put("secret", options.nodes() > 1 ? SECRET.strip() : "");
        return Template.named("slurm.sh").fill(values);
    }

    static String mpi(TemplateOptions options) {
        Map<String, String> values = common(options);
        boolean several = options.nodes() > 1;
        values.put(
                "hosts",
                several ? """
                # One host a line; the ranks meet on the first.
                hosts=${HOSTS:-hosts}
                export %s="$(awk 'NF && $1 !~ /^#/ { print $1; exit }' "$hosts"):%d"
                %s""".formatted(GyreVariable.RENDEZVOUS, PORT, SECRET).strip() : "");
        int perNode = options.ranks() / options.nodes();
        values.put(
                "openMpi",
                several
                        ? " --hostfile \"$hosts\" --map-by ppr:" + perNode + ":node -x " + GyreVariable.RENDEZVOUS
                                + " -x " + GyreVariable.SECRET_FILE
                        : " --oversubscribe");
        values.put(
                "hydra",
                several
                        ? " -f \"$hosts\" -ppn " + perNode + " -genvlist " + GyreVariable.RENDEZVOUS + ","
                                + GyreVariable.SECRET_FILE
                        : "");
        return Template.named("mpi.sh").fill(values);
    }

    static String spark(TemplateOptions options) {
        Map<String, String> values = new HashMap<>();
        int heap = Math.max(1, options.memory() / HEAP_OF_MEMORY);
        values.put("name", options.name());
        values.put("ranks", String.valueOf(options.ranks()));
        values.put("cores", String.valueOf(options.cores()));
        values.put("allCores", String.valueOf((long) options.ranks() * options.cores()));
        values.put("heap", String.valueOf(heap));
        values.put("nativeMemory", String.valueOf(Math.max(1, options.memory() - heap)));
        values.put("flag", JvmFlags.OPEN_UNSAFE);
        values.put("attempts", String.valueOf(options.restarts() + 1));
        values.put("program", Shell.line(options.program()));
        return Template.named("spark.sh").fill(values);
    }

    private static Map<String, String> common(TemplateOptions options) {
        List<String> words = new ArrayList<>();
        words.add(GyreVariable.COMMAND
                .text(System.getenv())
                .map(own -> Path.of(own).toAbsolutePath().normalize().toString())
                .orElse("gyre"));
        words.addAll(options.arguments());
        Map<String, String> values = new HashMap<>();
        values.put("ranks", String.valueOf(options.ranks()));
        values.put("command", Shell.line(words));
        return values;
    }
}
