package io.gyre.runs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.launcher.SeatEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What became of the processes of a run with seats: a file with one JSON object a line, of {@code at} (ISO 8601, in
 * UTC), {@code event}, {@code generation}, {@code step} and {@code text}. In a run of groups it also has {@code group};
 * if it is about a process, {@code process}, {@code host} and {@code pid}; if a generation begins, {@code holders}: the
 * process that holds each seat, by seat. Written by the launcher. Thread-safe.
 */
public final class MembershipFile implements Consumer<SeatEvent>, AutoCloseable {

    private static final Logger log = LoggerFactory.getLogger(MembershipFile.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path path;
    private final FileChannel channel;
    private final Clock clock;
    private boolean failed;

    private MembershipFile(Path path, FileChannel channel, Clock clock) {
        this.path = path;
        this.channel = channel;
        this.clock = clock;
    }

    /** Opens the file to append to. */
    public static MembershipFile open(RunFiles files) throws IOException {
        return new MembershipFile(
                files.membership(),
                FileChannel.open(
                        files.membership(),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.APPEND),
                Clock.systemUTC());
    }

    /** Appends a line. A file that cannot be written ends with one warning. */
    @Override
    public synchronized void accept(SeatEvent event) {
        if (failed || !channel.isOpen()) {
            return;
        }
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text(event) + "\n");
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            failed = true;
            log.warn("{} cannot be written, and ends here: {}", path, DurableFile.reason(e));
        }
    }

    private String text(SeatEvent event) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("at", Instant.now(clock).truncatedTo(ChronoUnit.MILLIS).toString());
        values.put("event", event.kind());
        event.group().ifPresent(group -> values.put("group", group));
        values.put("generation", event.generation());
        values.put("step", event.step());
        event.process().ifPresent(process -> {
            values.put("process", process.number());
            values.put("host", process.host());
            values.put("pid", process.pid());
        });
        if (!event.holders().isEmpty()) {
            values.put("holders", event.holders());
        }
        values.put("text", event.text());
        try {
            return JSON.writeValueAsString(values);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts and numbers that are not JSON", e);
        }
    }

    @Override
    public synchronized void close() throws IOException {
        channel.close();
    }
}
