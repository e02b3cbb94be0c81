package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.testkit.ParserContract;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** Deeplearning4j's model files, up to the point where {@code ModelSerializer} gets them. */
class ModelFuzzTest {

    private static final List<String> ALLOWED = List.of("org.deeplearning4j.", "org.nd4j.");
    private static final long MOST_BYTES = 1 << 20;

    @FuzzTest
    void archive(byte[] bytes) {
        ParserContract.parse(
                MOST_BYTES,
                () -> {
                    new ModelArchive(bytes, MOST_BYTES, ALLOWED).check();
                    return true;
                },
                IOException.class);
    }

    @FuzzTest
    void array(byte[] bytes) {
        ModelArray array = ParserContract.parse(
                bytes.length, () -> ModelArray.check(new ByteArrayInputStream(bytes), "array"), IOException.class);
        if (array != null) {
            assertThat(array.length() * array.type().width()).isBetween(1L, (long) bytes.length);
        }
    }

    @FuzzTest
    void classes(byte[] bytes) throws IOException {
        String json = new String(bytes, StandardCharsets.UTF_8);
        Boolean allowed = ParserContract.parse(
                bytes.length,
                () -> {
                    ModelClasses.check(json, ALLOWED);
                    return true;
                },
                IOException.class);
        if (allowed != null) {
            // Another way to the same classes.
            for (JsonNode name : new ObjectMapper().readTree(json).findValues("@class")) {
                assertThat(name.asText()).matches("org\\.(deeplearning4j|nd4j)\\.[A-Za-z0-9_.$]*");
            }
        }
    }
}
