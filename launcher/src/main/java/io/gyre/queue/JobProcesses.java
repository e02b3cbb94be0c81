package io.gyre.queue;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How jobs become processes. */
interface JobProcesses {

    /**
     * Starts a job.
     *
     * @param devices numbers of the GPUs that it has
     */
    JobProcess start(JobFiles files, Job job, List<Integer> devices) throws IOException;

    /** The process of a job that lives, though another worker may have started it; null if there is none. */
    @Nullable JobProcess find(JobFiles files) throws IOException;
}
