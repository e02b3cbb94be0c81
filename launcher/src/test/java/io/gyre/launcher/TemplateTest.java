package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobSpec;
import io.gyre.transport.LaunchEnvironment;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code gyre template} writes is what the launchers accept, and what ranks then find in their environment. */
class TemplateTest {

    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final String[] COMMAND = {"--", "train", "lenet", "--data", "/data/it's", "--resume"};

    private static String template(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> words = new ArrayList<>(List.of("template"));
        words.addAll(Arrays.asList(arguments));
        words.addAll(Arrays.asList(COMMAND));
        int status = GyreCommandLine.of(new GyreMain())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(words.toArray(String[]::new));
        assertThat(status).as(err.toString()).isZero();
        return out.toString();
    }

    private static List<ObjectNode> documents(String yaml) throws IOException {
        return YAML.readerFor(ObjectNode.class).<ObjectNode>readValues(yaml).readAll();
    }

    /** Fails on any field that the API does not have: the model keeps such fields apart. */
    private static <T> T parse(ObjectNode node, Class<T> type) throws IOException {
        T parsed = YAML.treeToValue(node, type);
        assertNothingUnknown(parsed, type.getSimpleName());
        return parsed;
    }

    private static void assertNothingUnknown(Object value, String path) {
        if (value instanceof Iterable<?> items) {
            items.forEach(item -> assertNothingUnknown(item, path + "[]"));
        }
        if (value == null || !value.getClass().getName().startsWith("io.fabric8.")) {
            return;
        }
        for (var method : value.getClass().getMethods()) {
            if (method.getParameterCount() == 0 && method.getName().startsWith("get")) {
                try {
                    Object part = method.invoke(value);
                    if (method.getName().equals("getAdditionalProperties")) {
                        assertThat((Map<?, ?>) part)
                                .as("unknown fields of " + path)
                                .isEmpty();
                    } else {
                        assertNothingUnknown(part, path + "." + method.getName().substring(3));
                    }
                } catch (ReflectiveOperationException e) {
                    throw new LinkageError(method.toString(), e);
                }
            }
        }
    }

    @Test
    void theCheckFindsFieldsThatTheApiDoesNotHave() throws IOException {
        ObjectNode job = documents("spec: {template: {spec: {containers: [{name: a, shm: 1}]}}}")
                .get(0);

        assertThatThrownBy(() -> parse(job, Job.class))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("Job.Spec.Template.Spec.Containers[]");
    }

    /** The environment of a pod, as Kubernetes makes it. */
    private static Map<String, String> environment(
            PodSpec pod, String hostName, int index, Map<String, String> fields) {
        Map<String, String> environment = new HashMap<>();
        for (EnvVar variable : pod.getContainers().get(0).getEnv()) {
            environment.put(
                    variable.getName(),
                    variable.getValue() != null
                            ? variable.getValue()
                            : fields.get(variable.getValueFrom().getFieldRef().getFieldPath()));
        }
        environment.put("JOB_COMPLETION_INDEX", String.valueOf(index));
        environment.put("HOSTNAME", hostName);
        return environment;
    }

    private static void assertPod(PodSpec pod) {
        Container rank = pod.getContainers().get(0);
        assertThat(rank.getName()).isEqualTo("rank");
        assertThat(rank.getImage()).isEqualTo("registry/gyre:1");
        assertThat(rank.getArgs())
                .containsExactly("train", "--grace", "40", "lenet", "--data", "/data/it's", "--resume");
        assertThat(pod.getRestartPolicy()).isEqualTo("Never");
        assertThat(pod.getTerminationGracePeriodSeconds()).isGreaterThan(40);
        assertThat(rank.getVolumeMounts())
                .extracting("name", "mountPath")
                .contains(tuple("shared-memory", "/dev/shm"), tuple("data", "/data"));
        assertThat(pod.getVolumes()).extracting("name").containsExactly("shared-memory", "secret", "data");
        assertThat(pod.getVolumes().get(0).getEmptyDir().getMedium()).isEqualTo("Memory");
        assertThat(pod.getVolumes().get(0).getEmptyDir().getSizeLimit()).hasToString("2Gi");
        assertThat(pod.getVolumes().get(1).getSecret().getSecretName()).isEqualTo("digits-secret");
        assertThat(pod.getVolumes().get(1).getSecret().getDefaultMode()).isEqualTo(0400);
        assertThat(rank.getEnv())
                .anySatisfy(variable -> {
                    assertThat(variable.getName()).isEqualTo("GYRE_SECRET_FILE");
                    assertThat(rank.getVolumeMounts()).extracting("mountPath").contains(variable.getValue());
                })
                .anySatisfy(variable -> assertThat(variable.getName()).isEqualTo("GYRE_JOIN_TIMEOUT"));
    }

    private static final String[] POD_OPTIONS = {
        "-n",
        "3",
        "--image",
        "registry/gyre:1",
        "--name",
        "digits",
        "--claim",
        "disk",
        "--shared-memory",
        "2",
        "--grace",
        "40"
    };

    private static String manifest(String launcher) {
        List<String> arguments = new ArrayList<>(List.of(launcher));
        arguments.addAll(Arrays.asList(POD_OPTIONS));
        return template(arguments.toArray(String[]::new));
    }

    @Test
    void theJobIsOfTheApiAndItsPodsFindTheirRanksAndEachOther() throws IOException {
        List<ObjectNode> documents = documents(manifest("kubernetes"));
        assertThat(documents).hasSize(2);
        Service service = parse(documents.get(0), Service.class);
        Job job = parse(documents.get(1), Job.class);
        JobSpec spec = job.getSpec();
        PodSpec pod = spec.getTemplate().getSpec();

        assertThat(service.getSpec().getClusterIP()).isEqualTo("None");
        assertThat(service.getSpec().getPublishNotReadyAddresses()).isTrue();
        // The label that the Job's controller gives its pods.
        assertThat(service.getSpec().getSelector())
                .isEqualTo(Map.of("job-name", job.getMetadata().getName()));
        assertThat(pod.getSubdomain()).isEqualTo(service.getMetadata().getName());
        assertThat(spec.getCompletionMode()).isEqualTo("Indexed");
        assertThat(spec.getCompletions()).isEqualTo(3).isEqualTo(spec.getParallelism());
        assertThat(spec.getPodFailurePolicy().getRules().get(0).getOnExitCodes().getContainerName())
                .isEqualTo(pod.getContainers().get(0).getName());
        assertPod(pod);
        for (int index = 0; index < 3; index++) {
            LaunchEnvironment found = LaunchEnvironment.detect(
                            environment(pod, job.getMetadata().getName() + "-" + index, index, Map.of()))
                    .orElseThrow();
            assertThat(found.launcher()).isEqualTo("Kubernetes");
            assertThat(found.rank()).isEqualTo(index);
            assertThat(found.size()).isEqualTo(3);
            assertThat(found.localSize()).isEqualTo(OptionalInt.of(1));
            assertThat(found.rendezvous()).get().asString().startsWith("digits-0." + pod.getSubdomain() + ":");
        }
    }

    @Test
    void theJobInAJobSetIsOfTheApiAndItsPodsFindTheirRanksAndEachOther() throws IOException {
        ObjectNode jobSet = documents(manifest("jobset")).get(0);
        assertThat(jobSet.path("apiVersion").asText()).isEqualTo("jobset.x-k8s.io/v1alpha2");
        assertThat(jobSet.path("kind").asText()).isEqualTo("JobSet");
        String name = jobSet.path("metadata").path("name").asText();
        ObjectNode spec = (ObjectNode) jobSet.path("spec");
        assertThat(spec.fieldNames()).toIterable().containsExactly("network", "failurePolicy", "replicatedJobs");
        String subdomain = spec.path("network").path("subdomain").asText();
        ObjectNode replicated = (ObjectNode) spec.path("replicatedJobs").get(0);
        assertThat(replicated.fieldNames()).toIterable().containsExactly("name", "replicas", "template");
        // A template of a Job has the fields of a Job.
        Job job = parse((ObjectNode) replicated.path("template"), Job.class);
        PodSpec pod = job.getSpec().getTemplate().getSpec();

        assertThat(job.getSpec().getCompletionMode()).isEqualTo("Indexed");
        assertThat(job.getSpec().getBackoffLimit()).isZero();
        assertPod(pod);
        String label = "metadata.labels['jobset.sigs.k8s.io/";
        Map<String, String> fields = Map.of(
                label + "jobset-name']", name, label + "job-index']", "0", label + "replicatedjob-replicas']", "1");
        for (int index = 0; index < 3; index++) {
            String host = name + "-" + replicated.path("name").asText() + "-0-";
            LaunchEnvironment found = LaunchEnvironment.detect(environment(pod, host + index, index, fields))
                    .orElseThrow();
            assertThat(found.launcher()).isEqualTo("JobSet");
            assertThat(found.rank()).isEqualTo(index);
            assertThat(found.size()).isEqualTo(3);
            assertThat(found.rendezvous()).get().asString().startsWith(host + "0." + subdomain + ":");
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"slurm -n 8 --nodes 2", "slurm -n 2", "mpi -n 8 --nodes 2", "mpi -n 2"})
    @EnabledOnOs(OS.LINUX)
    void aScriptIsOneForTheShell(String arguments, @TempDir Path directory) throws Exception {
        Path script = Files.writeString(directory.resolve("script"), template(arguments.split(" ", -1)));

        Process shell = new ProcessBuilder("sh", "-n", script.toString())
                .redirectErrorStream(true)
                .start();
        assertThat(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(shell.waitFor()).isZero();
        assertThat(script).content().doesNotContain("${ranks}").doesNotContain("\n\n\n");
    }

    @Test
    void aScriptForSlurmAsksForWhatTheRanksNeed() {
        String script =
                template("slurm", "-n", "8", "--nodes", "2", "--cores", "3", "--memory", "5", "--name", "digits");

        assertThat(script.lines())
                .startsWith("#!/bin/bash")
                .contains(
                        "#SBATCH --job-name=digits",
                        "#SBATCH --nodes=2",
                        "#SBATCH --ntasks=8",
                        "#SBATCH --ntasks-per-node=4",
                        "#SBATCH --cpus-per-task=3",
                        "#SBATCH --mem=20G",
                        "#SBATCH --signal=TERM@35",
                        "#SBATCH --requeue")
                .anyMatch(line -> line.startsWith("export GYRE_SECRET_FILE="))
                .last()
                .asString()
                .matches("exec srun --kill-on-bad-exit=1 --cpus-per-task=3 \\S*gyre train --grace 25 lenet"
                        + " --data '/data/it'\\\\''s' --resume");
        assertThat(template("slurm", "-n", "8")).doesNotContain("GYRE_SECRET_FILE");
    }

    @Test
    void aScriptForMpiSaysWhereTheRanksMeetUnlessTheyAreOnOneHost() {
        assertThat(template("mpi", "-n", "8", "--nodes", "2"))
                .contains(
                        "export GYRE_RENDEZVOUS=",
                        "--map-by ppr:4:node -x GYRE_RENDEZVOUS -x GYRE_SECRET_FILE",
                        "-ppn 4 -genvlist GYRE_RENDEZVOUS,GYRE_SECRET_FILE",
                        "exec mpirun -n 8 \"$@\" ");
        assertThat(template("mpi", "-n", "2")).doesNotContain("GYRE_RENDEZVOUS").contains("exec mpirun -n 2");
    }

    @Test
    void aScriptForSparkGivesEachRankAnExecutor() {
        StringWriter out = new StringWriter();
        int status = GyreCommandLine.of(new TemplateCommand())
                .setOut(new PrintWriter(out, true))
                .execute("spark", "-n", "8", "--cores", "3", "--memory", "6", "--", "run", "app.jar", "it's");

        assertThat(status).isZero();
        assertThat(out.toString())
                .contains(
                        "spark.executor.instances=8 ",
                        "spark.cores.max=24 ",
                        "spark.task.cpus=3 ",
                        "spark.executor.memory=1g ",
                        "spark.executor.memoryOverhead=5g ",
                        "\"spark.executor.extraJavaOptions=--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED\"",
                        "spark.stage.maxConsecutiveAttempts=4 ")
                .endsWith("    app.jar 'it'\\''s'\n");
    }

    @Test
    void sparkStartsAProgramOfItsOwn() {
        StringWriter err = new StringWriter();
        int status = GyreCommandLine.of(new TemplateCommand())
                .setErr(new PrintWriter(err, true))
                .execute("spark", "-n", "8", "--", "train", "lenet");

        assertThat(status).isEqualTo(2);
        assertThat(err.toString()).contains("COMMAND 'train lenet': for spark it is run app.jar ARGS");
    }
}
