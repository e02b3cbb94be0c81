package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.network.OpenBoxes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The boxes of one rank: files in its run directory, mapped by itself and by the ranks of its host. */
final class MappedBoxes extends OpenBoxes {

    private static final Logger LOG = LoggerFactory.getLogger(MappedBoxes.class);

    private final List<Integer> ranks;
    private final IntFunction<Path> directories;
    private final AeronSite site;
    private final BoxFile files;

    /**
     * Prepares the boxes of one rank; none is created yet.
     *
     * @param endpoint used to wait for peers' boxes
     * @param lane of the endpoint
     * @param ranks the ranks on this host, ascending
     * @param directories the directory of each rank's boxes
     * @param site borrowed; knows the available memory
     */
    MappedBoxes(
            Endpoint endpoint,
            int lane,
            List<Integer> ranks,
            IntFunction<Path> directories,
            AeronSite site,
            BoxFile files) {
        super(endpoint, lane);
        this.ranks = ranks;
        this.directories = directories;
        this.site = site;
        this.files = files;
    }

    @Override
    public List<Integer> ranks() {
        return ranks;
    }

    @Override
    public MemoryBox create(String name, long byteLength) {
        if (byteLength < 0) {
            throw new IllegalArgumentException("box '" + name + "': length " + byteLength + " is negative");
        }
        int rank = endpoint().world().rank();
        Path file = BoxFile.path(directories.apply(rank), name);
        String purpose = "box '" + name + "' of rank " + rank;
        BoxFile.Mapping mapping = site.withRoomFor(
                BoxFile.fileBytes(byteLength),
                purpose,
                () -> files.create(file, endpoint().member(rank), name, byteLength));
        return register(new Box(name, mapping, file));
    }

    @Override
    public MemoryBox attach(int owner, String name, long byteLength) {
        if (!ranks.contains(owner)) {
            throw new IllegalArgumentException("rank " + endpoint().world().rank() + " shares no memory with "
                    + endpoint().member(owner) + ", but with ranks " + ranks);
        }
        Member member = endpoint().member(owner);
        Path file = BoxFile.path(directories.apply(owner), name);
        BoxFile.Mapping found = awaitBox(member, name, () -> find(file, member, name, byteLength));
        return register(new Box(name, found, null));
    }

    private BoxFile.@Nullable Mapping find(Path file, Member owner, String name, long byteLength) {
        try {
            return files.attach(file, owner, name, byteLength);
        } catch (IOException e) {
            throw new GyreException(
                    "rank " + endpoint().world().rank() + " cannot attach box '" + name + "' of " + owner + ": "
                            + e.getMessage(),
                    e);
        }
    }

    private final class Box implements MemoryBox {
        private final String name;
        private final BoxFile.Mapping mapping;
        private final @Nullable Path file;
        private boolean ended;

        /** A box, with its file if this rank created it. */
        Box(String name, BoxFile.Mapping mapping, @Nullable Path file) {
            this.name = name;
            this.mapping = mapping;
            this.file = file;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public Region region() {
            return mapping.region();
        }

        @Override
        public void close() {
            end();
            forget(this);
        }

        private synchronized void end() {
            if (ended) {
                return;
            }
            mapping.unmap();
            ended = true;
            if (file != null) {
                try {
                    Files.deleteIfExists(file);
                } catch (IOException e) {
                    LOG.warn("cannot remove {}", file, e);
                }
            }
        }
    }
}
