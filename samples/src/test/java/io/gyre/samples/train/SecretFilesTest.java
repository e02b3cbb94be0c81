package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.samples.train.TwoRanks.Protection;
import io.gyre.transport.RunSecret;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the ranks of a training say to a secret that is none. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class SecretFilesTest {

    private static final String VARIABLE = "GYRE_SECRET_FILE";

    @TempDir
    Path directory;

    private enum Fault {
        MISSING("does not exist") {
            @Override
            void make(Path file) {}
        },
        EMPTY("has 0 bytes") {
            @Override
            void make(Path file) throws Exception {
                Files.createFile(file);
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
            }
        },
        SHORT("has 31 bytes") {
            @Override
            void make(Path file) throws Exception {
                EMPTY.make(file);
                Files.write(file, new byte[31]);
            }
        },
        READABLE("mode") {
            @Override
            void make(Path file) throws Exception {
                RunSecret.random(new SecureRandom()).write(file);
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            }
        };

        private final String words;

        Fault(String words) {
            this.words = words;
        }

        abstract void make(Path file) throws Exception;
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    void aFileThatIsNoSecretEndsARankAtOnce(Fault fault) throws Exception {
        Path file = directory.resolve("fault");
        fault.make(file);
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.SEALED).with(VARIABLE, file.toString())) {
            GyreTrain rank = run.start();

            assertThat(rank.awaitExit(GyreTrain.PATIENCE)).as(rank.output()).isEqualTo(2);
            assertThat(rank.output())
                    .contains(VARIABLE, file.toString(), fault.words)
                    .doesNotContain("\tat ");
            System.out.println(fault + ": " + rank.output().strip());
            rank.awaitNothingLeft(List.of(rank.pid()));
        }
    }

    @Test
    @Tag("long") // The join timeout passes.
    void aRankWithAnotherSecretStaysOutside() throws Exception {
        Path other = directory.resolve("other");
        RunSecret.random(new SecureRandom()).write(other);
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.SEALED)) {
            GyreTrain first = run.start();
            GyreTrain second = run.with(VARIABLE, other.toString()).start();

            assertThat(second.awaitExit(GyreTrain.PATIENCE)).as(second.output()).isEqualTo(1);
            assertThat(second.output())
                    .contains("did not prove this run's secret", VARIABLE)
                    .doesNotContain("\tat ");
            assertThat(first.awaitExit(GyreTrain.PATIENCE)).as(first.output()).isEqualTo(1);
            assertThat(first.output()).contains("rank 1").doesNotContain("\tat ");
            System.out.println(run.output());
            first.awaitNothingLeft(List.of(first.pid()));
            second.awaitNothingLeft(List.of(second.pid()));
        }
    }

    @Test
    @Tag("long") // The join timeout passes.
    void aRankWithoutTheSecretStaysOutside() throws Exception {
        try (TwoRanks run = TwoRanks.onLoopback(directory, Protection.SEALED)) {
            run.start();
            GyreTrain second = run.with(VARIABLE, "").start();

            assertThat(second.awaitExit(GyreTrain.PATIENCE)).as(second.output()).isEqualTo(1);
            assertThat(second.output())
                    .contains("did not prove this run's secret")
                    .doesNotContain("\tat ");
        }
    }
}
