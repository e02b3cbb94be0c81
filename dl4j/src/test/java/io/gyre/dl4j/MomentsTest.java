package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class MomentsTest {

    /** Differences of squares of such values have no correct digit. */
    private static final double FAR = 1e9;

    /** Values of one channel on ranks with many, none, one and a few. */
    private static final int[] SIZES = {7, 0, 1, 3};

    @Test
    void areThoseOfAllValuesAlsoFarFromZero() {
        Random random = new Random(1);
        List<double[]> values = new ArrayList<>();
        for (int size : SIZES) {
            values.add(random.doubles(size, 0, 1).map(value -> FAR + value).toArray());
        }

        Moments moments = combined(values, 0);

        double[] all = values.stream().flatMapToDouble(Arrays::stream).toArray();
        double mean = Arrays.stream(all).map(value -> value - FAR).average().orElseThrow();
        double variance = Arrays.stream(all)
                .map(value -> value - FAR - mean)
                .map(distance -> distance * distance)
                .average()
                .orElseThrow();
        assertThat(moments.count()).isEqualTo(11);
        assertThat(moments.means().getDouble(1) - FAR).isCloseTo(mean, Offset.offset(1e-6));
        assertThat(moments.variances().getDouble(1)).isCloseTo(variance, Offset.offset(1e-6));
    }

    @Test
    void haveTheSameBitsOnEveryRank() {
        List<double[]> values = List.of(new double[] {0.1, 0.7}, new double[] {3, 4, 5.5}, new double[] {-1e-3});

        for (int rank = 1; rank < values.size(); rank++) {
            Bound.assertIdentical(
                    combined(values, rank).means(), combined(values, 0).means());
            Bound.assertIdentical(
                    combined(values, rank).variances(), combined(values, 0).variances());
        }
    }

    /** The second of two channels has the values. */
    private static Moments combined(List<double[]> values, int rank) {
        List<Moments> ofRanks = new ArrayList<>();
        for (int from = 0; from < values.size(); from++) {
            Moments moments = new Moments(values.size(), from, 2);
            double[] own = values.get(from);
            if (own.length == 0) {
                moments.none();
            } else {
                double mean = Arrays.stream(own).average().orElseThrow();
                double squares = Arrays.stream(own)
                        .map(value -> (value - mean) * (value - mean))
                        .sum();
                moments.own(own.length, Nd4j.createFromArray(0, mean), Nd4j.createFromArray(0, squares));
            }
            ofRanks.add(moments);
        }
        Moments result = ofRanks.get(rank);
        for (long at = 0; at < result.rows().byteLength(); at += Double.BYTES) {
            double sum = 0;
            for (Moments each : ofRanks) {
                sum += each.rows().getDouble(at);
            }
            result.rows().putDouble(at, sum);
        }
        result.combine();
        return result;
    }
}
