package io.gyre.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles fake versions of NVIDIA's libraries. */
final class FakeLibrary {

    private FakeLibrary() {}

    /**
     * A library, compiled once for each version of its source; without a compiler the test is skipped with a reason.
     *
     * @param name its file name, and its soname
     */
    static synchronized Path compiled(String name, Path source) {
        try {
            assumeTrue(hasCompiler(), "there is no g++ that compiles the fake " + name + ": its tests are skipped");
            Path library = Path.of("target", "fake-driver", hash(source), name).toAbsolutePath();
            if (!Files.exists(library)) {
                compile(library, source);
            }
            return library;
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("cannot compile the fake " + name, e);
        }
    }

    private static boolean hasCompiler() throws IOException, InterruptedException {
        try {
            return new ProcessBuilder("g++", "--version")
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static void compile(Path library, Path source) throws IOException, InterruptedException {
        Files.createDirectories(library.getParent());
        Path part = Files.createTempFile(library.getParent(), "lib", ".part");
        List<String> command = new ArrayList<>(
                List.of("g++", "-std=c++17", "-O2", "-shared", "-fPIC", "-pthread"));
        command.add(source.toString());
        command.add("-Wl,-soname," + library.getFileName());
        command.addAll(List.of("-o", part.toString()));
        Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(compiler.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(compiler.exitValue()).as(output).isZero();
        Files.move(part, library, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String hash(Path source) throws IOException {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(source));
            return HexFormat.of().formatHex(digest).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
