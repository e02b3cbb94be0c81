package io.gyre.launcher;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Manifests of Kubernetes. */
final class ManifestTemplate {

    /** Beyond the grace: for the rank to be told, and for the rest to be killed. */
    private static final int TO_TELL_SECONDS = 5;

    /** What JobSet does not set itself, by the downward API. */
    private static final String JOB_SET_ENVIRONMENT = """
            - name: JOBSET_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.labels['jobset.sigs.k8s.io/jobset-name']
            - name: JOB_INDEX
              valueFrom:
                fieldRef:
                  fieldPath: metadata.labels['jobset.sigs.k8s.io/job-index']
            - name: JOBSET_REPLICAS
              valueFrom:
                fieldRef:
                  fieldPath: metadata.labels['jobset.sigs.k8s.io/replicatedjob-replicas']
            """;

    private ManifestTemplate() {}

    static String kubernetes(TemplateOptions options) {
        Map<String, String> values = values(options, "");
        // Each of the ranks ends with an error.
        values.put("backoffLimit", String.valueOf(options.restarts() * options.ranks()));
        values.put("pod", Template.indent(Template.named("pod.yaml").fill(values), 6));
        return Template.named("kubernetes.yaml").fill(values);
    }

    static String jobSet(TemplateOptions options) {
        Map<String, String> values = values(options, Template.indent(JOB_SET_ENVIRONMENT, 6));
        values.put("restarts", String.valueOf(options.restarts()));
        values.put("pod", Template.indent(Template.named("pod.yaml").fill(values), 14));
        return Template.named("jobset.yaml").fill(values);
    }

    private static Map<String, String> values(TemplateOptions options, String environment) {
        boolean hasClaim = !options.claim().isEmpty();
        Map<String, String> values = new HashMap<>();
        values.put("name", options.name());
        values.put("ranks", String.valueOf(options.ranks()));
        values.put("image", options.image());
        values.put("arguments", flow(options.arguments()));
        values.put("environment", environment);
        values.put("cores", String.valueOf(options.cores()));
        values.put("memory", String.valueOf(options.memory()));
        values.put("sharedMemory", String.valueOf(options.sharedMemory()));
        values.put("podGrace", String.valueOf(options.grace() + TO_TELL_SECONDS));
        values.put("secret", options.name() + "-secret");
        values.put("mount", hasClaim ? Template.indent("- name: data\n  mountPath: /data", 6) : "");
        values.put("volume", hasClaim ? Template.indent("""
                - name: data
                  persistentVolumeClaim:
                    claimName: %s
                """.formatted(options.claim()), 2) : "");
        return values;
    }

    /** A list of YAML in one line, which is also one of JSON. */
    private static String flow(List<String> words) {
        try {
            return new ObjectMapper().writeValueAsString(words);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("words that are not JSON", e);
        }
    }
}
