package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.launcher.Finding.Verdict;
import io.gyre.testkit.Canary;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.RunSecret;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code gyre secret}, and what the doctor says about a secret. */
@DisabledOnOs(OS.WINDOWS)
class SecretCommandTest {

    @TempDir
    private Path directory;

    private Path file;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void nameTheFile() {
        file = directory.resolve("my secret");
    }

    private int gyre(String... arguments) {
        return GyreCommandLine.of(new GyreMain())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    private int make() {
        return gyre("secret", file.toString());
    }

    private int check() {
        return gyre("secret", "--check", file.toString());
    }

    private void chmod(String permissions) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void aNewSecretIsForItsOwnerOnlyAndIsNotShown() throws Exception {
        assertThat(make()).as(err.toString()).isZero();

        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(Files.size(file)).isEqualTo(RunSecret.MIN_BYTES);
        assertThat(directory.toFile().list()).containsExactly("my secret");
        assertThat(out.toString())
                .contains("32 random bytes")
                .contains("scp -p '" + file + "' HOST:'" + file + "'")
                .contains("export GYRE_SECRET_FILE='" + file + "'");
        assertThat(new Canary(Files.readAllBytes(file)).formsIn(out + "" + err)).isEmpty();

        assertThat(check()).as(err.toString()).isZero();
        assertThat(out.toString()).contains(file + " holds a secret that only its owner can read");
    }

    @Test
    void twoSecretsDiffer() throws Exception {
        Path other = directory.resolve("other");

        assertThat(make()).isZero();
        assertThat(gyre("secret", other.toString())).isZero();

        assertThat(Files.readAllBytes(file)).isNotEqualTo(Files.readAllBytes(other));
    }

    @Test
    void anExistingFileIsKept() throws Exception {
        Files.writeString(file, "something of value");

        assertThat(make()).isEqualTo(2);

        assertThat(err.toString().strip()).contains(file + " exists already").doesNotContain("\n");
        assertThat(file).hasContent("something of value");
        assertThat(directory.toFile().list()).containsExactly("my secret");
    }

    @Test
    void aMissingDirectoryIsNamed() {
        Path missing = directory.resolve("missing");

        assertThat(gyre("secret", missing.resolve("secret").toString())).isEqualTo(2);

        assertThat(err.toString().strip())
                .contains("there is no directory " + missing)
                .doesNotContain("\n");
    }

    @Test
    void aFileIsRequired() {
        assertThat(gyre("secret")).isEqualTo(2);
        assertThat(gyre("secret", "--check")).isEqualTo(2);

        assertThat(err.toString()).contains("Missing required parameter: 'FILE'");
    }

    @Test
    void whatNoRunCanUseFailsTheCheck() throws Exception {
        assertThat(check()).isEqualTo(1);
        assertThat(err.toString().strip()).contains(file + " does not exist").doesNotContain("\n");

        make();
        chmod("rw-r-----");
        assertThat(check()).isEqualTo(1);
        assertThat(err.toString()).contains("has the mode 640").contains("chmod 600");

        chmod("rw-------");
        Files.write(file, new byte[31]);
        assertThat(check()).isEqualTo(1);
        assertThat(err.toString()).contains("has 31 bytes");
        assertThat(out.toString()).doesNotContain("holds a secret");
    }

    private static List<Finding> findings(Map<String, String> environment) throws IOException {
        return new SecretCheckup(environment).findings();
    }

    @Test
    void theDoctorReportsModeAndSizeOfTheSecret() throws Exception {
        make();
        Map<String, String> environment = Map.of(GyreVariable.SECRET_FILE.key(), file.toString());

        assertThat(findings(environment)).containsExactly(Finding.ok("secret", file + ", rw-------, 32 bytes"));

        chmod("rw----r--");
        assertThat(findings(environment)).singleElement().satisfies(finding -> {
            assertThat(finding.verdict()).isEqualTo(Verdict.PROBLEM);
            assertThat(finding.value()).isEqualTo("GYRE_SECRET_FILE is not usable");
            assertThat(finding.advice()).contains("chmod 600 " + file);
            assertThat(new Canary(Files.readAllBytes(file)).formsIn(finding.toString()))
                    .isEmpty();
        });
    }

    @Test
    void theDoctorReportsWhatIsSetInstead() throws Exception {
        assertThat(findings(Map.of())).containsExactly(Finding.ok("secret", "none set"));
        assertThat(findings(Map.of("GYRE_TRUSTED_NETWORK", "false"))).hasSize(1);
        assertThat(findings(Map.of("GYRE_TRUSTED_NETWORK", "true")))
                .last()
                .satisfies(finding -> assertThat(finding.toString())
                        .startsWith("HINT    trusted network   declared: whoever reaches the ports"));
        assertThat(findings(Map.of("GYRE_TRUSTED_NETWORK", "yes")))
                .last()
                .satisfies(finding -> assertThat(finding.verdict()).isEqualTo(Verdict.PROBLEM));
    }
}
