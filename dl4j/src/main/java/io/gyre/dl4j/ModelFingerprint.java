package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.Set;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.nd4j.shade.jackson.databind.node.ObjectNode;

/** A model's configuration as text: equal for equal models. */
final class ModelFingerprint {

    /** May differ between ranks: counters and initial parameters come from rank 0. */
    private static final Set<String> OF_ONE_RANK = Set.of("iterationCount", "epochCount", "seed");

    private ModelFingerprint() {}

    static String of(String configurationJson) {
        try {
            JsonNode tree = new ObjectMapper().readTree(configurationJson);
            strip(tree);
            return tree.toString();
        } catch (JsonProcessingException e) {
            throw new GyreException("the model's configuration is not JSON: " + e.getMessage(), e);
        }
    }

    private static void strip(JsonNode node) {
        if (node instanceof ObjectNode object) {
            object.remove(OF_ONE_RANK);
        }
        node.forEach(ModelFingerprint::strip);
    }
}
