package io.gyre.samples.train;

import io.aeron.AeronCounters;
import io.aeron.CncFileDescriptor;
import io.aeron.LogBuffers;
import io.aeron.logbuffer.LogBufferDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.agrona.IoUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.CountersReader;

/**
 * All that can be known about a stream of datagrams, read from the files of its sender: more than any stranger learns.
 *
 * @param session Aeron's number of the stream between two ranks
 * @param stream Aeron's number of the stream at its receiver
 * @param initialTerm number of the first term
 * @param termBytes length of a term
 * @param position number of bytes sent
 * @param receiverPort to which it goes
 * @param senderPorts from one of which it comes
 */
record VictimStream(
        int session,
        int stream,
        int initialTerm,
        int termBytes,
        long position,
        int receiverPort,
        List<Integer> senderPorts) {

    private static final Pattern ENDPOINT = Pattern.compile("endpoint=[^|]*:(\\d+)");
    private static final int SOCKET_ADDRESS_AT = 4;

    /** The stream that a process sends; empty if it sends none yet, or no more. */
    static Optional<VictimStream> of(long pid) throws IOException {
        for (Path driver : drivers(pid)) {
            Path file = driver.resolve(CncFileDescriptor.CNC_FILE);
            if (Files.exists(file) && Files.size(file) > 0) {
                MappedByteBuffer counters = IoUtil.mapExistingFile(file.toFile(), "counters");
                Optional<VictimStream> found = read(driver, counters);
                IoUtil.unmap(counters);
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return Optional.empty();
    }

    private static List<Path> drivers(long pid) throws IOException {
        List<Path> drivers = new ArrayList<>();
        Path home = Path.of("/dev/shm", "gyre-" + System.getProperty("user.name"));
        if (Files.isDirectory(home)) {
            try (DirectoryStream<Path> own = Files.newDirectoryStream(home, pid + "-*")) {
                own.forEach(run -> drivers.add(run.resolve("aeron")));
            }
        }
        return drivers;
    }

    private static Optional<VictimStream> read(Path driver, ByteBuffer file) {
        UnsafeBuffer meta = CncFileDescriptor.createMetaDataBuffer(file);
        if (meta.getInt(CncFileDescriptor.cncVersionOffset(0)) != CncFileDescriptor.CNC_VERSION) {
            return Optional.empty();
        }
        CountersReader counters = new CountersReader(
                CncFileDescriptor.createCountersMetaDataBuffer(file, meta),
                CncFileDescriptor.createCountersValuesBuffer(file, meta),
                StandardCharsets.US_ASCII);
        List<Integer> ports = new ArrayList<>();
        List<VictimStream> streams = new ArrayList<>();
        counters.forEach((id, type, key, label) -> {
            if (type == AeronCounters.DRIVER_LOCAL_SOCKET_ADDRESS_STATUS_TYPE_ID) {
                String address = key.getStringAscii(SOCKET_ADDRESS_AT);
                if (address.contains(":")) {
                    ports.add(Integer.valueOf(address.substring(address.lastIndexOf(':') + 1)));
                }
            }
        });
        counters.forEach((id, type, key, label) -> {
            Matcher endpoint = ENDPOINT.matcher(label);
            Path log = driver.resolve("publications").resolve(key.getLong(0) + ".logbuffer");
            if (type == AeronCounters.DRIVER_SENDER_POSITION_TYPE_ID && endpoint.find() && Files.exists(log)) {
                try (LogBuffers terms = new LogBuffers(log.toString())) {
                    streams.add(new VictimStream(
                            key.getInt(Long.BYTES),
                            key.getInt(Long.BYTES + Integer.BYTES),
                            LogBufferDescriptor.initialTermId(terms.metaDataBuffer()),
                            terms.termLength(),
                            counters.getCounterValue(id),
                            Integer.parseInt(endpoint.group(1)),
                            ports));
                }
            }
        });
        return streams.stream().findFirst();
    }

    /** Number of the present term. */
    int term() {
        return initialTerm + (int) (position / termBytes);
    }

    /** Place in the present term. */
    int offset() {
        return (int) (position % termBytes);
    }
}
