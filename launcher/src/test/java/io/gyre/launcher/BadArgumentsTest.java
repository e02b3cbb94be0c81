package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** User errors: one line, no stack trace, status 2. */
class BadArgumentsTest {

    private final StringWriter err = new StringWriter();

    private int gyre(String... arguments) {
        CommandLine commandLine = GyreCommandLine.of(new GyreMain()).setErr(new PrintWriter(err, true));
        return commandLine.execute(arguments);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "run -n 0 X | 0 ranks: at least 1 is needed",
                "run -n many X | 'many' is not an int",
                "run X | Missing required option: '-n=RANKS'",
                "run -n 1 | Missing required parameter: 'MAIN-CLASS-OR-JAR ARGS'",
                "run -n 1 --fast X | Unknown option: '--fast'",
                "run -n 1 io.example.Missing | there is no class io.example.Missing on the class path",
                "run -n 1 missing.jar | there is no jar missing.jar",
                "run -n 1 --class-path x missing.jar | --class-path goes with a main class",
                "run -n 1 --class-path nowhere/* X | class path entry nowhere/* is not a directory",
                "run -n 1 --transport pigeon X | transport 'pigeon' is unknown: auto, shm, ipc or udp",
                "run -n 1 --port 70000 X | --port 70000: expected 0 to 65535",
                "run -n 1 --hosts a,b X | 2 hosts for 1 rank: give at least one rank per host, or fewer hosts",
                "run -n 2 --hosts a,a X | host a is named twice",
                "run -n 2 --hosts a,-oProxyCommand=x X | \"-oProxyCommand=x\" is not the name of a host",
                "run -n 2 --hosts n[1- X | host list \"n[1-\": the brackets of n[1- do not match",
                "template slurm -n 2 | Missing required parameter: 'COMMAND'",
                "template pbs -n 2 -- run a.jar | launcher 'pbs' is unknown: slurm, mpi, kubernetes, jobset or spark",
                "template slurm -n 0 -- run a.jar | -n 0: expected 1 to 65536",
                "template slurm -n 3 --nodes 2 -- run a.jar | -n 3 with --nodes 2: every host takes the same number",
                "template slurm -n 2 --time soon -- run a.jar | --time 'soon': expected minutes, or days-hours",
                "template slurm -n 2 -- doctor | COMMAND begins with 'doctor': it is a command of gyre, run app.jar",
                "template mpi -n 2 -- train mlp -n 2 | -n in COMMAND: the template sets it; give it before --",
                "template kubernetes -n 2 -- run a.jar | --image is missing",
                "template kubernetes -n 2 --image a:b;c -- run a.jar | --image 'a:b;c': expected the name of a container",
                "template kubernetes -n 2 --image a --name A_b -- run a.jar | --name 'A_b': expected small letters",
                "doctor --everything | Unknown option: '--everything'",
            })
    void badArgumentsGiveOneLine(String arguments, String message) {
        assertThat(gyre(arguments.strip().split(" "))).isEqualTo(2);

        assertThat(err.toString().strip()).contains(message.strip()).doesNotContain("\n");
    }

    @Test
    void aJarWithoutMainClassIsRefused(@TempDir Path directory) throws Exception {
        Path jar = directory.resolve("empty.jar");
        new JarOutputStream(Files.newOutputStream(jar), new Manifest()).close();

        assertThat(gyre("run", "-n", "1", jar.toString())).isEqualTo(2);

        assertThat(err.toString()).contains("names no main class");
    }

    @Test
    void aPortInUseIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String port = String.valueOf(taken.getLocalPort());

            assertThat(gyre("run", "-n", "1", "--port", port, RankProgram.class.getName(), "environment"))
                    .isEqualTo(1);

            assertThat(err.toString().strip())
                    .contains("127.0.0.1:" + port)
                    .contains("Choose another port")
                    .doesNotContain("\n");
        }
    }
}
