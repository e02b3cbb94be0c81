package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;

/** A {@link FitReport} as text, for processes that come later to a run with seats: every figure has the same bits. */
final class FitReportText {

    private FitReportText() {}

    static String of(FitReport report) {
        ExchangeTimes exchange = report.exchange();
        return report.steps() + " " + report.skippedSteps() + " " + report.epochs() + " " + report.examples() + " "
                + report.bytesSent() + " " + report.stopped() + " "
                + DoubleStream.of(
                                report.firstLoss(),
                                report.lastLoss(),
                                report.seconds(),
                                exchange.exchangeMs(),
                                exchange.exchangeMsP99(),
                                exchange.exposedMs(),
                                exchange.exposedMsP99())
                        .mapToObj(value -> String.valueOf(Double.doubleToRawLongBits(value)))
                        .collect(Collectors.joining(" "));
    }

    static FitReport parse(String text) {
        String[] fields = text.split(" ", -1);
        try {
            return new FitReport(
                    Long.parseLong(fields[0]),
                    Long.parseLong(fields[1]),
                    Integer.parseInt(fields[2]),
                    Long.parseLong(fields[3]),
                    real(fields[6]),
                    real(fields[7]),
                    real(fields[8]),
                    Long.parseLong(fields[4]),
                    Boolean.parseBoolean(fields[5]),
                    new ExchangeTimes(real(fields[9]), real(fields[10]), real(fields[11]), real(fields[12])));
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            throw new GyreException("not the report of a call of fit: '" + text + "'", e);
        }
    }

    private static double real(String bits) {
        return Double.longBitsToDouble(Long.parseLong(bits));
    }
}
