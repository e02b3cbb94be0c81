package io.gyre.samples.train;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.testkit.ParserContract;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;

/** The command line of {@code gyre train}: one argument a line. */
class OptionsFuzzTest {

    /** What picocli takes to describe the command. */
    private static final long PICOCLI_BYTES = 100_000;

    @FuzzTest
    void train(byte[] bytes) {
        List<String> arguments =
                new String(bytes, StandardCharsets.UTF_8).lines().toList();
        ParserContract.parse(
                PICOCLI_BYTES + bytes.length,
                () -> {
                    TrainOptions options = new TrainOptions();
                    // A file of arguments would be read.
                    new CommandLine(options).setExpandAtFiles(false).parseArgs(arguments.toArray(String[]::new));
                    options.check();
                    return options;
                },
                CommandLine.ParameterException.class,
                IllegalArgumentException.class);
    }
}
