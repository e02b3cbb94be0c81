package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.launcher.JvmFlags;
import io.gyre.launcher.ReportFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gyre bench jmh}: the micro-benchmarks. */
@Command(
        name = "jmh",
        description = "Measures kernels, framing and latency with JMH.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class JmhCommand implements Callable<Integer> {

    @Parameters(
            paramLabel = "FILTER",
            arity = "0..1",
            defaultValue = ".*",
            description = "Regular expression that finds part of the name. Default: all.")
    private String filter = ".*";

    @Option(
            names = {"-p", "--param"},
            paramLabel = "NAME=A,B",
            description = "Values of a benchmark's parameter, instead of its own; may be repeated.")
    private Map<String, String> parameters = Map.of();

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write JMH's report to a file, as JSON.")
    private @Nullable Path report;

    @Override
    public Integer call() {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .include(filter)
                .jvmArgsPrepend(JvmFlags.STANDARD.toArray(String[]::new))
                .shouldFailOnError(true);
        parameters.forEach((name, values) -> options.param(name, values.split(",")));
        if (report != null) {
            new ReportFile(report).check();
            options.resultFormat(ResultFormatType.JSON).result(report.toString());
        }
        ProcessorTime begin = ProcessorTime.now();
        try {
            new Runner(options.build()).run();
        } catch (RunnerException e) {
            throw new GyreException("JMH: " + e.getMessage(), e);
        }
        System.out.print(ProcessorTime.warning(ProcessorTime.now().since(begin).othersShare()));
        return 0;
    }
}
