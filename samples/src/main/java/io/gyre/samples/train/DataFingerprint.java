package io.gyre.samples.train;

import io.gyre.dl4j.ExampleSource;
import io.gyre.samples.data.SampleData;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Tells data sets apart: the numbers of examples, and the values of some examples spread evenly. Data that differ
 * elsewhere only have the same fingerprint; to read all of a large set would take as long as an epoch.
 */
final class DataFingerprint {

    private static final int EXAMPLES = 64;
    private static final int SHOWN_BYTES = 16;

    private DataFingerprint() {}

    /** SHA-256 of the training and the held-out part, cut to 128 bits, as hexadecimal digits. */
    static String of(SampleData data) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            add(data.examples(), digest);
            add(data.heldOutExamples(), digest);
            return HexFormat.of().formatHex(digest.digest(), 0, SHOWN_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void add(ExampleSource source, MessageDigest digest) {
        int size = source.size();
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(size).flip());
        int taken = Math.min(size, EXAMPLES);
        if (taken == 0) {
            return;
        }
        int[] indices = IntStream.range(0, taken)
                .map(index -> (int) ((long) index * size / taken))
                .toArray();
        MultiDataSet examples = source.load(indices);
        add(examples.getFeatures(), digest);
        add(examples.getLabels(), digest);
    }

    private static void add(INDArray[] arrays, MessageDigest digest) {
        for (INDArray array : arrays) {
            double[] values = array.reshape(array.length()).toDoubleVector();
            ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES);
            bytes.asDoubleBuffer().put(values);
            digest.update(bytes);
        }
    }
}
