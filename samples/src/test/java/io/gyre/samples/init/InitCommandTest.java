package io.gyre.samples.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.launcher.GyreCommandLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InitCommandTest {

    @TempDir
    private Path directory;

    private final StringWriter err = new StringWriter();

    private int init(Path target) {
        return GyreCommandLine.of(new InitCommand())
                .setErr(new PrintWriter(err, true))
                .execute(target.toString());
    }

    private long entries() throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.count();
        }
    }

    @Test
    void writesIntoAnEmptyDirectory() throws Exception {
        Path target = Files.createDirectory(directory.resolve("my-app"));

        assertThat(init(target)).as(err.toString()).isZero();
        assertThat(target.resolve("pom.xml")).content().contains("<artifactId>my-app</artifactId>");
    }

    @Test
    void whatExistsIsKept() throws Exception {
        Path target = Files.createDirectory(directory.resolve("my-app"));
        Path own = Files.writeString(target.resolve("pom.xml"), "mine");

        assertThat(init(target)).isEqualTo(2);
        assertThat(err.toString()).contains(target.toString(), "is not empty", "name a new directory");
        assertThat(own).hasContent("mine");
        assertThat(entries()).isEqualTo(3);
    }

    @Test
    void aFileIsNoDirectory() throws Exception {
        Path file = Files.writeString(directory.resolve("my-app"), "mine");

        assertThat(init(file)).isEqualTo(2);
        assertThat(err.toString()).contains(file.toString(), "is a file");
        assertThat(file).hasContent("mine");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-app", "my app", "<app>", "app&co", ".hidden"})
    void aNameThatMavenOrXmlCannotTakeIsRefused(String name) throws Exception {
        assertThat(init(directory.resolve(name))).isEqualTo(2);
        assertThat(err.toString()).contains("'" + name + "' cannot be a project's name");
        assertThat(entries()).isEqualTo(1);
    }
}
