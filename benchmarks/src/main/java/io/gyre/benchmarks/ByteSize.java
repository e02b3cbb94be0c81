package io.gyre.benchmarks;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Lengths of float vectors with units: {@code 4096}, {@code 64K}, {@code 100M}. */
final class ByteSize {

    private static final Pattern FORM = Pattern.compile("([1-9][0-9]{0,11})([KMG]?)");

    private ByteSize() {}

    /** Reads one. */
    static final class Converter implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            Matcher parts = FORM.matcher(text);
            if (!parts.matches()) {
                throw new TypeConversionException(
                        "'" + text + "' is no length: expected a number of bytes, perhaps with K, M or G behind it");
            }
            long number = Long.parseLong(parts.group(1));
            int shift = 10 * " KMG".indexOf((parts.group(2) + " ").charAt(0));
            if (number > Long.MAX_VALUE >> shift) {
                throw new TypeConversionException("'" + text + "' is more than " + Long.MAX_VALUE + " bytes");
            }
            long bytes = number << shift;
            if (bytes % Float.BYTES != 0) {
                throw new TypeConversionException("'" + text + "' is not a multiple of " + Float.BYTES + " bytes");
            }
            return bytes;
        }
    }
}
