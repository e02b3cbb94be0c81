package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.membership.RunProcess;
import io.gyre.membership.SeatListener;
import io.gyre.membership.Seating;
import io.gyre.membership.SilenceLimits;
import io.gyre.membership.UsherPlan;
import io.gyre.session.Reached;
import io.gyre.testkit.Eventually;
import io.gyre.testkit.RankJvm;
import io.gyre.transport.RunSecret;
import io.gyre.transport.UsherServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** A run with seats, and its processes, some of which are lost. */
final class SeatProcesses implements AutoCloseable {

    static final Duration LONG = Duration.ofMinutes(2);

    private final Path directory;
    private final Class<?> program;
    private final int seats;
    private final RunSecret secret = RunSecret.random(new SecureRandom());
    private final List<RankJvm> processes = new ArrayList<>();
    private final List<String> events = new CopyOnWriteArrayList<>();
    private final UsherServer usher;
    private final Path state;

    /**
     * Opens the run.
     *
     * @param processCount how many processes it begins with
     */
    SeatProcesses(Path directory, Class<?> program, int seats, int processCount) throws IOException {
        this.directory = directory;
        state = Files.createDirectories(
                directory.resolve("state"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        this.program = program;
        this.seats = seats;
        UsherPlan plan =
                new UsherPlan(seats, processCount, 1, LONG, LONG, LONG, SilenceLimits.within(Duration.ofSeconds(3)));
        usher = UsherServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), plan, secret, new Events());
    }

    private final class Events implements SeatListener {

        @Override
        public void joined(RunProcess process) {
            events.add("joined");
        }

        @Override
        public void lost(RunProcess process, List<Integer> ofSeats, int generation, Reached newest, String why) {
            events.add("lost " + ofSeats + " in generation " + generation);
        }

        @Override
        public void convened(int generation, Seating seating, Reached newest, long behind) {
            events.add("generation " + generation + " of " + seating.processes().size() + ", step " + newest.step());
        }

        @Override
        public void failed(String reason) {
            events.add(reason);
        }
    }

    /** Starts a process with these system properties. */
    RankJvm start(String transport, Map<String, ?> properties) throws IOException {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        properties.forEach((name, value) -> flags.add("-D" + name + "=" + value));
        Path token = directory.resolve("token" + processes.size());
        secret.write(token);
        Map<String, String> environment = new HashMap<>(Map.of(
                "GYRE_SEATS", String.valueOf(seats),
                "GYRE_RENDEZVOUS", usher.endpoint(),
                "GYRE_TRANSPORT", transport,
                "GYRE_TOKEN_FILE", token.toString(),
                "GYRE_STATE_DIR", state.toString(),
                "OMP_NUM_THREADS", "1"));
        RankJvm process = RankJvm.start(directory, flags, environment, program);
        processes.add(process);
        return process;
    }

    /** The copies of the state that the only process that has it keeps. */
    List<Path> copies() throws IOException {
        try (Stream<Path> files = Files.list(state)) {
            return files.toList();
        }
    }

    /** The processes, in the order of their starts. */
    RankJvm process(int number) {
        return processes.get(number);
    }

    /** What became of the processes so far. */
    List<String> events() {
        return events;
    }

    /** Waits for events that begin so. */
    void await(String event, int count) {
        Eventually.that(
                count + " times '" + event + "'",
                LONG,
                () -> events.stream().filter(each -> each.startsWith(event)).count() >= count);
    }

    /**
     * Waits for the end of all, of which those that were to halt have, and the others have printed the result.
     *
     * @param count how many have
     */
    void awaitResults(int count, String result) throws Exception {
        int found = 0;
        for (RankJvm process : processes) {
            int status = process.awaitExit(LONG);
            if (status == 137) {
                assertThat(process.output()).contains("halts at");
                continue;
            }
            assertThat(status).as(process.output()).isZero();
            assertThat(process.output()).contains(result);
            found++;
        }
        assertThat(found).isEqualTo(count);
    }

    @Override
    public void close() {
        processes.forEach(RankJvm::close);
        usher.close();
    }
}
