package io.gyre.queue;

import io.gyre.launcher.GyreCommandLine;
import io.gyre.runs.RunLock;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code gyre queue run-job DIR}: what a worker starts for each job. It executes the job's command, and says how that
 * has ended, whether or not a worker is there to hear it. Two of them never execute the same job.
 */
@Command(name = "run-job", description = "Executes one job; for the worker.", hidden = true)
public final class RunJobCommand implements Callable<Integer> {

    /** Exit status if another process has the job: that of sysexits.h for a temporary failure. */
    private static final int TAKEN = 75;

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "The job's directory.")
    private Path directory = Path.of("");

    @Override
    public Integer call() throws IOException {
        JobFiles files = new JobFiles(directory);
        List<String> words = files.readJob().words();
        try (RunLock lock = RunLock.take(files.lock())) {
            if (lock == null || files.readEnd() != null) {
                System.err.println("job " + directory + " is executed already: this process leaves it alone");
                return TAKEN;
            }
            JobFiles.write(files.process(), JavaProcesses.own());
            int status = GyreCommandLine.of(specification.root().userObject()).execute(words.toArray(String[]::new));
            JobFiles.write(files.end(), new JobFiles.End(status));
            return status;
        }
    }
}
