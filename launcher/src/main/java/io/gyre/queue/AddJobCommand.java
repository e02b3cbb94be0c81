package io.gyre.queue;

import io.gyre.OptionRange;
import io.gyre.runs.RunFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre queue add}: adds a job, which a worker starts when there is room. */
@Command(
        name = "add",
        description = "Adds a job, which gyre queue work starts when there is room.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class AddJobCommand implements Callable<Integer> {

    private static final int MOST_PRIORITY = 1_000_000;
    /** More than the launcher's own grace, and what it needs beyond it. */
    static final long GRACE_SECONDS = 40;

    private static final long MOST_GRACE = 1_000_000;

    @ParentCommand
    private QueueCommand parent = new QueueCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(
            names = "--priority",
            paramLabel = "P",
            defaultValue = "0",
            description = "Jobs of a higher priority start first. Default: 0.")
    private int priority;

    @Mixin
    private final NeedsOptions needs = new NeedsOptions();

    @Option(
            names = "--time-limit",
            paramLabel = "TIME",
            description = "How long it may run, such as 90m or 2h; then it is told to end. Default: no limit.")
    private @Nullable String timeLimit;

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "40",
            description = "How long it has to end before it is killed: longer than its own --grace. Default: 40.")
    private long graceSeconds;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the job, and of its run. Default: by number.")
    private @Nullable String name;

    @Option(
            names = "--on",
            paramLabel = "WHERE",
            description =
                    "Submit to slurm (by sbatch) or kubernetes (by kubectl) instead, with what gyre template writes.")
    private @Nullable String cluster;

    @Option(names = "--image", paramLabel = "IMAGE", description = "For --on kubernetes: see gyre template.")
    private @Nullable String image;

    @Option(names = "--claim", paramLabel = "NAME", description = "For --on kubernetes: see gyre template.")
    private @Nullable String claim;

    @Parameters(
            paramLabel = "COMMAND",
            arity = "1..*",
            description = "After --, the command of gyre: train MODEL OPTIONS, or run app.jar ARGS.")
    private List<String> words = List.of();

    @Override
    public Integer call() throws IOException, InterruptedException {
        OptionRange.check("--priority", priority, -MOST_PRIORITY, MOST_PRIORITY);
        OptionRange.check("--grace", graceSeconds, 0, MOST_GRACE);
        Duration limit = timeLimit == null ? Duration.ZERO : Quantity.time("--time-limit", timeLimit);
        if (name != null) {
            RunFiles.checkName("--name", name);
        }
        Needs taken = needs.of(words);
        CommandSpec root = specification.root();
        Path here = Path.of("").toAbsolutePath();
        if (cluster != null) {
            JobWords.command(root, words);
            return new Submission(cluster, name, taken, limit, image, claim)
                    .submit(
                            name == null
                                    ? words
                                    : JobWords.of(root, words, here, name).words(),
                            specification.commandLine().getOut());
        }
        Job job = parent.queue().add(id -> {
            String title =
                    name != null ? name : words.get(words.size() > 1 ? 1 : 0).replaceAll("[^A-Za-z0-9._-]", "-");
            JobWords whole = JobWords.of(root, words, here, name != null ? name : "job-" + id);
            return new Job(
                    Job.FORMAT,
                    id,
                    title,
                    whole.words(),
                    here.toString(),
                    whole.runDirectory() == null ? null : whole.runDirectory().toString(),
                    taken,
                    priority,
                    limit.toSeconds(),
                    graceSeconds);
        });
        specification.commandLine().getOut().println("job " + job.id() + " (" + job.name() + ") waits");
        specification.commandLine().getOut().flush();
        return 0;
    }
}
