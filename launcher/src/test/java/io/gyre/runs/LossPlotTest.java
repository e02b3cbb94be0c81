package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.LongStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

class LossPlotTest {

    private static Element root(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)))
                .getDocumentElement();
    }

    private static String[] line(Element svg) {
        return svg.getElementsByTagName("polyline")
                .item(0)
                .getAttributes()
                .getNamedItem("points")
                .getTextContent()
                .split(" ", -1);
    }

    @Test
    void aCurveFallsFromTheUpperLeftToTheLowerRight() throws Exception {
        Element svg = root(LossPlot.of(
                "Loss of <a> & \"b\"",
                List.of(new LossPlot.Point(0, 2), new LossPlot.Point(5, 1), new LossPlot.Point(10, 0.5))));

        assertThat(svg.getAttribute("aria-label")).isEqualTo("Loss of <a> & \"b\"");
        assertThat(line(svg)).containsExactly("70.0,30.0", "345.0,193.3", "620.0,275.0");
    }

    @Test
    void aCurveOverSeveralMagnitudesIsLogarithmic() throws Exception {
        Element svg = root(LossPlot.of(
                "a", List.of(new LossPlot.Point(0, 100), new LossPlot.Point(1, 1), new LossPlot.Point(2, 0.01))));

        assertThat(line(svg)).containsExactly("70.0,30.0", "345.0,152.5", "620.0,275.0");
    }

    @Test
    void aSinglePointAndAVeryLongCurveAreDrawn() throws Exception {
        assertThat(line(root(LossPlot.of("a", List.of(new LossPlot.Point(3, 1))))))
                .hasSize(1);
        List<LossPlot.Point> many = LongStream.range(0, 10_001)
                .mapToObj(step -> new LossPlot.Point(step, 1))
                .toList();
        String[] drawn = line(root(LossPlot.of("a", many)));
        assertThat(drawn).hasSizeLessThan(1_002);
        assertThat(drawn[drawn.length - 1]).startsWith("620.0,");
    }
}
