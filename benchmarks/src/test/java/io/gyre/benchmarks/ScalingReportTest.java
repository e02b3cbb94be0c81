package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ScalingReportTest {

    private static ScalingOptions options(String... arguments) {
        return CommandLine.populateCommand(new ScalingOptions(), arguments);
    }

    private static ScalingCase of(int hosts, double slow) {
        return new ScalingCase(new ScalingStrategy(StrategyOptions.Kind.HYBRID, 4, null), 10, hosts, 1, slow);
    }

    /** Ten times dilated: 1 s is 0.1 s, and the link has 1 Gbit/s. */
    private static RankFigures figures(int steps, double seconds) {
        return new RankFigures(steps, seconds, steps * 100e6, steps * 125e6, 0.5 * steps, 0.4);
    }

    private static ScalingResult result(int hosts, double slow, RankFigures... all) {
        return ScalingResult.of(of(hosts, slow), 10, 0.2, 0.21, List.of(all));
    }

    @Test
    void timesAreThoseOfTheSimulatedHosts() {
        ScalingResult result = result(2, 1, figures(4, 10), figures(4, 10));

        assertThat(result.stepMs()).isCloseTo(250, within(1e-9));
        assertThat(result.stepMsOfRanks()).containsExactly(250.0, 250.0);
        assertThat(result.ofFloor()).isCloseTo(0.84, within(1e-9));
        assertThat(result.sentBytes()).isEqualTo(100e6);
        // 125 MB, the busier direction, at 10 Gbit/s.
        assertThat(result.exchangeMs()).isCloseTo(100, within(1e-9));
        assertThat(result.exposedMs()).isCloseTo(50, within(1e-9));
        assertThat(result.hiddenMs()).isCloseTo(50, within(1e-9));
        assertThat(result.processorSeconds()).isEqualTo(0.5);
    }

    @Test
    void efficiencyIsPartOfOneHostAndWhatIsKeptPartOfEqualHosts() {
        ScalingReport report = ScalingReport.of(options());
        assertThat(report.add(result(2, 1, figures(4, 10), figures(4, 10))).efficiency())
                .isZero();
        report.add(result(1, 1, figures(4, 8)));
        report.add(result(2, 1, figures(4, 10), figures(4, 10)));

        ScalingResult slow = report.add(result(2, 3, figures(4, 12.5), figures(2, 12)));

        // The slow host's own 600 ms do not count.
        assertThat(slow.stepMs()).isCloseTo(312.5, within(1e-9));
        assertThat(slow.efficiency()).isCloseTo(200 / 312.5, within(1e-9));
        assertThat(slow.kept()).isCloseTo(250 / 312.5, within(1e-9));
        assertThat(report.results().get(2).efficiency()).isCloseTo(0.8, within(1e-9));
        assertThat(report.results().get(2).kept()).isEqualTo(1);
    }

    @Test
    void theReportIsReadAsItWasWrittenAndHasTheNamesThatScriptsRelyOn() throws Exception {
        ScalingReport report = ScalingReport.of(options());
        report.add(result(1, 1, figures(4, 8)));

        assertThat(ScalingReport.parse(report.toJson())).isEqualTo(report);
        JsonNode json = new ObjectMapper().readTree(report.toJson());
        assertThat(json.fieldNames())
                .toIterable()
                .containsExactly(
                        "bytes",
                        "compute_ms",
                        "backward",
                        "bucket_bytes",
                        "mtu",
                        "cores",
                        "java",
                        "results",
                        "others_share");
        assertThat(json.get("results").get(0).fieldNames())
                .toIterable()
                .contains(
                        "strategy",
                        "gbps",
                        "hosts",
                        "ranks",
                        "slow",
                        "step_ms",
                        "floor_ms",
                        "of_floor",
                        "efficiency",
                        "kept",
                        "sent_bytes",
                        "exchange_ms",
                        "hidden_ms",
                        "exposed_ms",
                        "checked",
                        "dilation",
                        "processor_busy",
                        "processor_seconds");
        assertThat(report.heading().lines().count()).isEqualTo(2);
        assertThat(ScalingReport.line(report.results().get(0))).contains("hybrid:4", "200.0");
    }

    @Test
    void thePlotIsDrawnWithoutAScreen(@TempDir Path directory) throws Exception {
        ScalingReport report = ScalingReport.of(options());
        report.add(result(1, 1, figures(4, 8)));
        report.add(result(2, 1, figures(4, 10), figures(4, 10)));
        Path file = directory.resolve("plot.png");

        ScalingPlot.write(report, file);

        BufferedImage image = ImageIO.read(file.toFile());
        assertThat(image.getWidth()).isGreaterThan(400);
        assertThat(image.getHeight()).isGreaterThan(300);
    }

    @ParameterizedTest
    @EnabledOnOs(OS.LINUX)
    @ValueSource(strings = {"allreduce", "paramserver", "elastic:2", "hybrid"})
    void everyStrategyTakesItsStepsAndIsChecked(String strategy) throws Exception {
        ScalingOptions options = options(
                "--strategies",
                strategy,
                "--hosts",
                "3",
                "--rates",
                "1",
                "--bytes",
                "100000",
                "--bucket",
                "16K",
                "--compute",
                "2",
                "--slow",
                "2",
                "--dilation",
                "1",
                "--steps",
                "3",
                "--warm-up",
                "1");

        List<ScalingResult> results = Gyre.local(3)
                .call(session -> new ScalingRank(options, options.cases().get(0), session).run());

        assertThat(results).hasSize(3).containsOnly(results.get(0));
        ScalingResult result = results.get(0);
        assertThat(result.checked()).isTrue();
        assertThat(result.stepMs()).isGreaterThanOrEqualTo(2);
        assertThat(result.stepMsOfRanks().get(2)).isGreaterThanOrEqualTo(4);
        assertThat(result.strategy()).isEqualTo(strategy);
    }

    @Test
    void aGradientThatIsLostOrCountedTwiceIsFound() {
        TimedModel model = new TimedModel(Region.allocate("gradients", 40_000), TimedModel.plan(40_000, 10_000));
        model.bucketPlan().buckets().forEach(bucket -> model.compute(bucket, 2));
        model.update(StepSummary.alone(StepReport.of(1, 0, false)));

        model.check(3);
        assertThatThrownBy(() -> model.check(6))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("counted twice");
        model.gradients().clear();
        model.compute(model.bucketPlan().buckets().get(0), 2);
        model.update(StepSummary.alone(StepReport.of(1, 0, false)));
        assertThatThrownBy(() -> model.check(6)).hasMessageContaining("parameter 0 of 10,000");
    }

    @Test
    void runsAreThoseAskedForWithTheOneToCompareWithFirst() {
        List<String> cases =
                options("--hosts", "8,1", "--slow", "3,1", "--rates", "1", "--strategies", "elastic,hybrid:4")
                        .cases()
                        .stream()
                        .map(each -> each.strategy() + " " + each.hosts() + " " + each.slow())
                        .toList();

        assertThat(cases)
                .containsExactly(
                        "elastic 1 1.0",
                        "elastic 8 1.0",
                        "elastic 8 3.0",
                        "hybrid:4 1 1.0",
                        "hybrid:4 8 1.0",
                        "hybrid:4 8 3.0");
    }

    @Test
    void linksAreAsFastAsTheMachineCanBear() {
        assertThat(options().dilation(10)).isEqualTo(80);
        assertThat(options().dilation(0.1)).isEqualTo(1);
        assertThat(options("--dilation", "7").dilation(10)).isEqualTo(7);
        assertThat(options("--mtu", "1500").datagram()).isEqualTo(1_472);
    }
}
