package io.gyre.startup;

import java.util.Locale;

/** Numbers with units, for people. */
public final class Figures {

    private static final double GIB = 1L << 30;
    private static final double MIB = 1L << 20;

    private Figures() {}

    /** A duration, with about three digits. */
    public static String time(long nanos) {
        long size = Math.abs(nanos);
        if (size < 1e3) {
            return nanos + " ns";
        }
        if (size < 1e6) {
            return digits(nanos / 1e3) + " us";
        }
        return size < 1e9 ? digits(nanos / 1e6) + " ms" : digits(nanos / 1e9) + " s";
    }

    /** Decimal. */
    public static String rate(double bytesPerSecond) {
        return bytesPerSecond < 1e9 ? digits(bytesPerSecond / 1e6) + " MB/s" : digits(bytesPerSecond / 1e9) + " GB/s";
    }

    /** Decimal, as rates are. */
    public static String bytes(long bytes) {
        return bytes < 1e6 ? digits(bytes / 1e3) + " KB" : digits(bytes / 1e6) + " MB";
    }

    /** Binary, as memory is; negative for unknown. */
    public static String memory(long bytes) {
        if (bytes < 0) {
            return "unknown";
        }
        return bytes < GIB ? digits(bytes / MIB) + " MiB" : digits(bytes / GIB) + " GiB";
    }

    static String percent(double share) {
        return Math.round(100 * share) + " %";
    }

    static String count(int number, String one) {
        return number + " " + one + (number == 1 ? "" : "s");
    }

    private static String digits(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%,.0f", value);
    }
}
