package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/gyre} in its own checkout, with a {@code java} and an {@code mvn} that print their arguments. */
class GyreScriptTest {

    @TempDir
    private Path directory;

    private Path home;
    private Path tools;
    private Path source;

    private record Result(int status, String out, String err) {}

    @BeforeEach
    void makeCheckout() throws IOException {
        home = Files.createDirectory(directory.resolve("check out"));
        tools = Files.createDirectory(directory.resolve("tools"));
        Path script = Files.createDirectory(home.resolve("bin")).resolve("gyre");
        Files.copy(Path.of("..", "bin", "gyre"), script);
        executable(script);
        source = Files.createDirectories(home.resolve("core/src/main")).resolve("A.java");
        Files.writeString(source, "class A {}");
        Files.writeString(home.resolve("pom.xml"), "<project/>");
        Files.writeString(home.resolve("core/pom.xml"), "<project/>");
        tool("java", """
                if [ "$1" = -version ]; then echo 'openjdk version "17.0.1" 2021-10-19' >&2; exit; fi
                echo "in $(pwd)"
                for word; do echo "java $word"; done
                """);
        tool("mvn", """
                if [ "$1" = -v ]; then printf '\\033[1mApache Maven 3.8.1 (x)\\033[m\\n'; exit; fi
                echo "mvn $* in $(pwd)"
                for module in samples benchmarks; do
                    mkdir -p $module/target/lib
                    for kind in '' -javadoc -sources; do touch $module/target/gyre-$module-0.1.0-SNAPSHOT$kind.jar; done
                done
                """);
    }

    private void tool(String name, String script) throws IOException {
        Path file = tools.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + script);
        executable(file);
    }

    private static void executable(Path file) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Result gyre(Path script, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(script.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().remove("JAVA_HOME");
        builder.environment().put("PATH", tools + ":/usr/bin:/bin");
        Path err = directory.resolve("err");
        Process process = builder.redirectError(err.toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), out, Files.readString(err));
    }

    private Result gyre(String... arguments) throws IOException, InterruptedException {
        return gyre(home.resolve("bin/gyre"), arguments);
    }

    @Test
    void theFlagsAreThoseOfRanks() throws Exception {
        assertThat(gyre("doctor").out().lines().map(line -> line.replaceFirst("java ", "")))
                .containsSubsequence(JvmFlags.STANDARD);
    }

    @Test
    void argumentsAndTheDirectoryOfTheCallerStayAsTheyAre() throws Exception {
        Result result = gyre("run", "two words", "", "it's", "$HOME", "*");

        assertThat(result.status()).isZero();
        assertThat(result.out())
                .startsWith("in " + directory.toRealPath() + "\n")
                .endsWith(
                        "java io.gyre.samples.GyreCommand\njava run\njava two words\njava \njava it's\njava $HOME\njava *\n");
    }

    @Test
    void aFreshCheckoutIsBuiltOnce() throws Exception {
        Result first = gyre("doctor");
        Result second = gyre("doctor");

        assertThat(first.err())
                .contains("gyre: building...")
                .contains("mvn -q package -Pquick in ")
                .contains("in " + home.toRealPath());
        assertThat(first.out()).doesNotContain("mvn");
        assertThat(second.err()).isEmpty();
    }

    @Test
    void whatMeasuresIsAProgramOfItsOwnOfTheSameBuild() throws Exception {
        gyre("doctor");

        Result result = gyre("bench", "allreduce", "-n", "2");

        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .contains("java " + home.toRealPath() + "/benchmarks/target/gyre-benchmarks-0.1.0-SNAPSHOT.jar")
                .endsWith("java io.gyre.benchmarks.BenchCommand\njava allreduce\njava -n\njava 2\n");
    }

    @Test
    void changedSourcesAreBuiltAgain() throws Exception {
        gyre("doctor");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));

        assertThat(gyre("doctor").err()).contains("gyre: building...");
    }

    @Test
    void aBuildThatFailsIsTriedAgainAndNothingRuns() throws Exception {
        tool("mvn", "if [ \"$1\" = -v ]; then echo Apache Maven 3.9.9; exit; fi\necho 'no such symbol'; exit 1\n");

        for (int i = 0; i < 2; i++) {
            Result result = gyre("doctor");
            assertThat(result.status()).isEqualTo(1);
            assertThat(result.err()).contains("no such symbol").contains("gyre: the build failed");
            assertThat(result.out()).isEmpty();
        }
    }

    @Test
    void itMayBeCalledThroughSymbolicLinks() throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("check out/bin/gyre"));
        Path linkToLink = Files.createSymbolicLink(tools.resolve("gyre"), link);

        Result result = gyre(linkToLink, "doctor");

        assertThat(result.status()).isZero();
        assertThat(result.out())
                .contains("java " + home.toRealPath() + "/samples/target/gyre-samples-0.1.0-SNAPSHOT.jar");
    }

    @Test
    void javaHomeIsHonoured() throws Exception {
        Path jdk = Files.createDirectories(directory.resolve("jdk/bin"));
        Files.move(tools.resolve("java"), jdk.resolve("java"));
        ProcessBuilder builder = new ProcessBuilder(home.resolve("bin/gyre").toString(), "doctor");
        builder.environment().put("PATH", tools + ":/usr/bin:/bin");
        builder.environment().put("JAVA_HOME", jdk.getParent().toString());
        Process process = builder.redirectErrorStream(true).start();

        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("java io.gyre.samples.GyreCommand");
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void anOldJavaIsRefused() throws Exception {
        tool("java", "echo 'java version \"11.0.2\" 2019-01-15 LTS' >&2\n");

        Result result = gyre("doctor");

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err()).contains("is version 11: 17 or newer is needed");
    }

    @Test
    void tooFewOpenFilesAreRefusedBeforeAnythingStarts() throws Exception {
        String command = "ulimit -n 48; exec '" + home.resolve("bin/gyre") + "' doctor";
        ProcessBuilder builder = new ProcessBuilder("bash", "-c", command);
        builder.environment().put("PATH", tools + ":/usr/bin:/bin");
        Process process = builder.redirectErrorStream(true).start();

        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .startsWith("gyre: a process may have 48 files open here, and 256 are needed: raise the limit")
                .hasLineCount(1);
        assertThat(process.waitFor()).isEqualTo(1);
    }

    @Test
    void anOldMavenIsRefused() throws Exception {
        tool("mvn", "echo 'Apache Maven 3.6.3 (x)'\n");

        Result result = gyre("doctor");

        assertThat(result.status()).isEqualTo(1);
        assertThat(result.err()).contains("mvn is version 3.6.3: 3.8.1 or newer is needed");
    }
}
