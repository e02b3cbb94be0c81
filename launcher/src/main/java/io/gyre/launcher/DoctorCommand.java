package io.gyre.launcher;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.gyre.device.DeviceProvider;
import io.gyre.launcher.Finding.Verdict;
import io.gyre.launcher.HostsCheckup.Result;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gyre doctor}: what this host offers. */
@Command(
        name = "doctor",
        description =
                "Checks what this host offers for training, or several hosts and the links between them, and exits"
                        + " with 0 if training can run there.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class DoctorCommand implements Callable<Integer> {

    private static final Path ROOT = Path.of("/");

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the findings to a file as well.")
    private @Nullable Path report;

    @Option(names = "--load", description = "Load ND4J and its native code as well, which takes some seconds.")
    private boolean load;

    @Mixin
    private final HostOptions hosts = new HostOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        return hosts.hosts().isEmpty() ? checkThisHost() : checkHosts();
    }

    private int checkHosts() throws IOException, InterruptedException {
        if (load) {
            throw new IllegalArgumentException("--load looks at this host, and --hosts at others: give one of them");
        }
        Result result = new HostsCheckup(hosts.hosts(), hosts).run();
        HostTable table = new HostTable(result);
        table.lines().forEach(specification.commandLine().getOut()::println);
        if (report != null) {
            write(report, table.report());
        }
        return result.isGood() ? 0 : 1;
    }

    private int checkThisHost() throws IOException {
        List<Finding> findings = new ArrayList<>();
        findings.add(Finding.ok("host", HostAddress.ownName()));
        findings.addAll(new HostCheckup(ROOT).findings());
        findings.addAll(new SecretCheckup(System.getenv()).findings());
        JavaCheckup java = new JavaCheckup(DoctorCommand.class.getClassLoader(), ROOT);
        findings.addAll(java.findings());
        if (load) {
            findings.add(java.loadedBackend());
        }
        findings.addAll(new GpuCheckup(ROOT).findings(DeviceProvider.all()));

        findings.forEach(specification.commandLine().getOut()::println);
        boolean canTrain = findings.stream().noneMatch(finding -> finding.verdict() == Verdict.PROBLEM);
        if (report != null) {
            Map<String, Object> whole = new LinkedHashMap<>();
            whole.put("can_train", canTrain);
            whole.put("findings", findings);
            write(report, whole);
        }
        return canTrain ? 0 : 1;
    }

    private static void write(Path file, Map<String, Object> whole) throws IOException {
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(file.toFile(), whole);
    }
}
