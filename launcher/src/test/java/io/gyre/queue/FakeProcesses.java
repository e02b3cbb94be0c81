package io.gyre.queue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Processes that exist in this object only, and outlive workers. */
final class FakeProcesses implements JobProcesses {

    /** Numbers of the jobs, in the order of their starts. */
    final List<Integer> started = new ArrayList<>();

    /** Devices by job. */
    final Map<Integer, List<Integer>> devices = new HashMap<>();

    private final Map<Integer, Fake> processes = new HashMap<>();

    static final class Fake implements JobProcess {

        private final JobFiles files;
        private boolean alive = true;
        int asked;

        Fake(JobFiles files) {
            this.files = files;
        }

        @Override
        public boolean isAlive() {
            return alive;
        }

        @Override
        public void ask() {
            asked++;
        }

        @Override
        public void kill() {
            alive = false;
        }

        /** Ends by itself. */
        void end(int status) throws IOException {
            JobFiles.write(files.end(), new JobFiles.End(status));
            alive = false;
        }
    }

    @Override
    public JobProcess start(JobFiles files, Job job, List<Integer> ofJob) {
        started.add(job.id());
        devices.put(job.id(), ofJob);
        Fake process = new Fake(files);
        processes.put(job.id(), process);
        return process;
    }

    @Override
    public @Nullable JobProcess find(JobFiles files) throws IOException {
        Fake process = processes.get(files.readJob().id());
        return process != null && process.isAlive() ? process : null;
    }

    Fake of(int id) {
        return processes.get(id);
    }
}
