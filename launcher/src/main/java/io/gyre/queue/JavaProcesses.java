package io.gyre.queue;

import io.gyre.launcher.JvmFlags;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Jobs as JVMs with the class path of this one, which execute {@code gyre queue run-job}. They do not end with the
 * worker: one that comes after it finds them by their number and start.
 */
final class JavaProcesses implements JobProcesses {

    private static final String GPUS = "CUDA_VISIBLE_DEVICES";

    /** For a launcher: the ranks have JVMs of their own. */
    private static final String HEAP = "-Xmx256m";

    private final String main;

    /**
     * Creates it.
     *
     * @param main class whose {@code main} is the command {@code gyre}
     */
    JavaProcesses(String main) {
        this.main = main;
    }

    @Override
    public JobProcess start(JobFiles files, Job job, List<Integer> devices) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmFlags.STANDARD);
        command.add(HEAP);
        // The launcher divides these cores among the ranks.
        command.add("-XX:ActiveProcessorCount=" + job.needs().cores());
        command.addAll(List.of("-cp", absoluteClassPath(), main, "queue", "run-job"));
        command.add(files.directory().toAbsolutePath().toString());
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(new File(job.directory()))
                .redirectErrorStream(true)
                .redirectInput(new File("/dev/null"))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(files.log().toFile()));
        if (!devices.isEmpty()) {
            Map<String, String> environment = builder.environment();
            environment.put(GPUS, visible(devices, environment.get(GPUS)));
        }
        return new Handle(builder.start().toHandle());
    }

    /** Numbers count those devices that the worker sees itself. */
    static String visible(List<Integer> devices, @Nullable String ofWorker) {
        String[] names = ofWorker == null || ofWorker.isBlank() ? new String[0] : ofWorker.split(",", -1);
        return devices.stream()
                .map(device -> device < names.length ? names[device].strip() : String.valueOf(device))
                .collect(Collectors.joining(","));
    }

    private static String absoluteClassPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    @Override
    public @Nullable JobProcess find(JobFiles files) throws IOException {
        JobFiles.Pid known = files.readProcess();
        if (known == null) {
            return null;
        }
        Optional<ProcessHandle> handle =
                ProcessHandle.of(known.pid()).filter(found -> startMillis(found) == known.start());
        return handle.isPresent() && handle.get().isAlive() ? new Handle(handle.get()) : null;
    }

    /** This process, as {@link #find} recognizes it. */
    static JobFiles.Pid own() {
        ProcessHandle own = ProcessHandle.current();
        return new JobFiles.Pid(own.pid(), startMillis(own));
    }

    private static long startMillis(ProcessHandle handle) {
        return handle.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    }

    /** A process of the system. A handle knows when its process began, and ends no other of the same number. */
    private record Handle(ProcessHandle process) implements JobProcess {

        @Override
        public boolean isAlive() {
            return process.isAlive();
        }

        @Override
        public void ask() {
            process.destroy();
        }

        @Override
        public void kill() {
            List<ProcessHandle> all =
                    Stream.concat(process.descendants(), Stream.of(process)).toList();
            all.forEach(ProcessHandle::destroyForcibly);
        }
    }
}
