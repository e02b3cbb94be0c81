package io.gyre.benchmarks;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Efficiency by number of hosts, one chart per rate; the floor of each strategy as a thin dashed line. */
final class ScalingPlot {

    private static final int WIDTH = 620;
    private static final int HEIGHT = 420;
    private static final List<Color> COLORS = List.of(
            new Color(0x1f77b4), new Color(0xd62728), new Color(0x2ca02c), new Color(0x9467bd), new Color(0xff7f0e));

    private ScalingPlot() {}

    /** Draws the results without slow hosts. Works headless. */
    static void write(ScalingReport report, Path png) throws IOException {
        List<ScalingResult> results =
                report.results().stream().filter(each -> each.slow() == 1).toList();
        List<XYChart> charts = new ArrayList<>();
        for (double gbps : results.stream().map(ScalingResult::gbps).distinct().toList()) {
            charts.add(chart(
                    report, results.stream().filter(each -> each.gbps() == gbps).toList()));
        }
        BitmapEncoder.saveBitmap(charts, 1, charts.size(), png.toString(), BitmapFormat.PNG);
    }

    private static XYChart chart(ScalingReport report, List<ScalingResult> results) {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title("%.0f MB, %.0f ms of computing, %s Gbit/s"
                        .formatted(
                                report.bytes() / 1e6,
                                report.computeMs(),
                                results.get(0).gbps()))
                .xAxisTitle("hosts")
                .yAxisTitle("efficiency, percent (dashed: floor)")
                .build();
        XYStyler styler = chart.getStyler();
        styler.setLegendPosition(LegendPosition.OutsideE);
        styler.setYAxisMin(0.0);
        styler.setYAxisMax(105.0);
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotGridVerticalLinesVisible(false);
        int color = 0;
        for (String strategy :
                results.stream().map(ScalingResult::strategy).distinct().toList()) {
            List<ScalingResult> line = results.stream()
                    .filter(each -> each.strategy().equals(strategy))
                    .toList();
            Color own = COLORS.get(color++ % COLORS.size());
            add(chart, strategy, line, own, false);
            add(chart, strategy + " floor", line, own, true);
        }
        return chart;
    }

    private static void add(XYChart chart, String name, List<ScalingResult> line, Color color, boolean floor) {
        List<Integer> hosts = line.stream().map(ScalingResult::hosts).toList();
        double alone = line.get(0).floorMs();
        List<Double> percent = line.stream()
                .map(each -> 100 * (floor ? alone / each.floorMs() : each.efficiency()))
                .toList();
        XYSeries series = chart.addSeries(name, hosts, percent);
        series.setLineColor(color);
        series.setMarkerColor(color);
        if (floor) {
            series.setMarker(SeriesMarkers.NONE);
            series.setLineStyle(
                    new BasicStroke(1, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {5, 4}, 0));
            series.setShowInLegend(false);
        } else {
            series.setMarker(SeriesMarkers.CIRCLE);
        }
    }
}
