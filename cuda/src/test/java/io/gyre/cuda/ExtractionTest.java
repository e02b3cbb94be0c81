package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.device.DeviceException;
import io.gyre.testkit.RankJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** JCuda's libraries are installed so that JVMs that start together do not load each other's half-written files. */
class ExtractionTest {

    private static final int JVMS = 8;

    @TempDir
    Path temporary;

    /** Without the preparation some of them die of SIGBUS nearly every time. */
    @Test
    void eightJvmsStartTogether() throws Exception {
        String driver = FakeDriver.compiled().toString();
        Path go = temporary.resolve("go");
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("-Djava.io.tmpdir=" + temporary);
        List<RankJvm> all = new ArrayList<>();
        try {
            for (int i = 0; i < JVMS; i++) {
                all.add(RankJvm.start(temporary, flags, Map.of(), StartProgram.class, driver, go.toString()));
            }
            for (RankJvm jvm : all) {
                jvm.awaitOutput("waiting");
            }
            Files.createFile(go);
            for (RankJvm jvm : all) {
                assertThat(jvm.awaitExit(Duration.ofMinutes(1)))
                        .as(jvm.output())
                        .isZero();
                assertThat(jvm.output()).contains("2 devices");
            }
        } finally {
            all.forEach(RankJvm::close);
        }
    }

    @Test
    void librariesLieInADirectoryOfThisUserAlone() throws Exception {
        NativeLibraries libraries = new NativeLibraries(temporary);
        libraries.prepare("JCudaDriver");
        libraries.prepare("JCudaDriver");
        String file = "libJCudaDriver-" + NativeLibraries.VERSION + "-linux-x86_64.so";
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(libraries.directory())))
                .isEqualTo("rwx------");
        assertThat(Files.isSameFile(libraries.directory().resolve(file), temporary.resolve(file)))
                .isTrue();
        try (var files = Files.list(libraries.directory())) {
            assertThat(files).containsExactly(libraries.directory().resolve(file));
        }
    }

    @Test
    void aHalfWrittenLibraryIsReplaced() throws Exception {
        Path name = temporary.resolve("libJCudaDriver-" + NativeLibraries.VERSION + "-linux-x86_64.so");
        Files.write(name, new byte[100]);
        Files.setPosixFilePermissions(name, PosixFilePermissions.fromString("rw-r--r--"));
        new NativeLibraries(temporary).prepare("JCudaDriver");
        assertThat(Files.size(name)).isGreaterThan(1_000_000);
    }

    @Test
    void aLibraryThatOthersMayWriteIsNotLoaded() throws Exception {
        Path name = temporary.resolve("libJCudaDriver-" + NativeLibraries.VERSION + "-linux-x86_64.so");
        Files.write(name, new byte[100]);
        Files.setPosixFilePermissions(name, PosixFilePermissions.fromString("rw-rw-rw-"));
        assertThatThrownBy(() -> new NativeLibraries(temporary).prepare("JCudaDriver"))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining(name.toString())
                .hasMessageContaining("others may write to it")
                .hasMessageContaining("-Djava.io.tmpdir");
    }
}
