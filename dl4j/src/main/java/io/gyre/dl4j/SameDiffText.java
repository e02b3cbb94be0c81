package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32C;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.ObjectMapper;
import org.nd4j.shade.jackson.databind.node.ArrayNode;
import org.nd4j.shade.jackson.databind.node.ObjectNode;

/** A graph as text: equal for equal graphs, whatever the values of their trained variables. */
final class SameDiffText {

    private SameDiffText() {}

    /** Its TrainingConfig, its losses, its ops in their order, and a checksum of each array that is not trained. */
    static String json(SameDiff graph, SameDiffVariables trained) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode json = mapper.createObjectNode();
        try {
            json.set("trainingConfig", mapper.readTree(graph.getTrainingConfig().toJson()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the TrainingConfig of the SameDiff is not JSON: " + e.getMessage(), e);
        }
        json.put("losses", graph.getLossVariables().toString());
        ArrayNode ops = json.putArray("ops");
        graph.getOps().values().forEach(op -> ops.add(text(op)));
        ArrayNode arrays = json.putArray("arrays");
        Set<String> names = new HashSet<>();
        trained.list().forEach(each -> names.add(each.name()));
        for (Variable variable : graph.getVariables().values()) {
            if (!names.contains(variable.getName()) && hasOwnArray(variable.getVariable())) {
                arrays.add(
                        variable.getName() + " " + text(variable.getVariable().getArr()));
            }
        }
        return json.toString();
    }

    private static boolean hasOwnArray(SDVariable variable) {
        VariableType type = variable.getVariableType();
        return (type == VariableType.CONSTANT || type == VariableType.VARIABLE) && variable.getArr() != null;
    }

    private static String text(SameDiffOp op) {
        DifferentialFunction function = op.getOp();
        String text = function.opName() + " " + op.getInputsToOp() + " " + op.getOutputsOfOp();
        return function instanceof DynamicCustomOp custom
                ? text + " " + Arrays.toString(custom.iArgs()) + Arrays.toString(custom.tArgs())
                        + Arrays.toString(custom.bArgs())
                : text + " " + Arrays.toString(function.getDimensions());
    }

    private static String text(INDArray array) {
        String shape = array.dataType() + " " + Arrays.toString(array.shape()) + " ";
        if (array.isEmpty() || !array.dataType().isNumerical()) {
            return shape + (array.isEmpty() ? "" : array.toStringFull());
        }
        CRC32C crc = new CRC32C();
        HostMemory.eachWindow(array.dup('c'), crc::update);
        return shape + Checksums.shown(crc.getValue());
    }

    /** Variables that ops compute and none uses, in the order of the ops. */
    static List<String> unused(SameDiff graph) {
        List<String> unused = new ArrayList<>();
        for (SameDiffOp op : graph.getOps().values()) {
            for (String output : op.getOutputsOfOp()) {
                Variable variable = graph.getVariables().get(output);
                List<String> users = variable == null ? null : variable.getInputsForOp();
                if (users == null || users.isEmpty()) {
                    unused.add(output);
                }
            }
        }
        return unused;
    }
}
