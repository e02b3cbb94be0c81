package io.gyre.benchmarks.soak;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import org.junit.jupiter.api.Test;

class SoakReportTest {

    @Test
    void itSaysWhatOthersTook() throws Exception {
        SoakReport report = new SoakReport(60, List.of("-Xmn1m"), List.of(), null);

        JsonNode unknown = new ObjectMapper().readTree(report.toJson());
        JsonNode known =
                new ObjectMapper().readTree(report.withOthersShare(0.25).toJson());

        assertThat(unknown.get("others_share").isNull()).isTrue();
        assertThat(known.get("others_share").asDouble()).isEqualTo(0.25);
        assertThat(known.get("seconds").asInt()).isEqualTo(60);
    }
}
