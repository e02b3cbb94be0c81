package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GramSchmidtTest {

    @ParameterizedTest(name = "{0} rows, {1} columns")
    @CsvSource({"1, 1", "7, 3", "4, 4", "1000, 8"})
    void columnsBecomeOrthonormal(int rows, int count) {
        float[] columns = Floats.of(1, rows * count);

        new GramSchmidt(rows).run(columns, count);

        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                assertThat(product(columns, rows, i, j)).isCloseTo(i == j ? 1 : 0, within(1e-6));
            }
        }
    }

    /** The last would be rounding errors, made as long as the others. */
    @Test
    void dependentColumnsBecomeZero() {
        int rows = 50;
        float[] columns = Floats.of(1, 4 * rows);
        for (int i = 0; i < rows; i++) {
            columns[rows + i] = 0;
            columns[3 * rows + i] = 0.3f * columns[i] - 2 * columns[2 * rows + i];
        }

        new GramSchmidt(rows).run(columns, 4);

        assertThat(product(columns, rows, 0, 0)).isCloseTo(1, within(1e-6));
        assertThat(product(columns, rows, 1, 1)).isZero();
        assertThat(product(columns, rows, 2, 2)).isCloseTo(1, within(1e-6));
        assertThat(product(columns, rows, 3, 3)).isZero();
    }

    /** Their squares are out of the range of floats. */
    @Test
    void shortAndLongColumnsAreNoDependentOnes() {
        float[] columns = {1e-30f, 2e-30f, 3e30f, -1e30f};

        new GramSchmidt(2).run(columns, 2);

        assertThat(product(columns, 2, 0, 0)).isCloseTo(1, within(1e-6));
        assertThat(product(columns, 2, 1, 1)).isCloseTo(1, within(1e-6));
        assertThat(product(columns, 2, 0, 1)).isCloseTo(0, within(1e-6));
    }

    private static double product(float[] columns, int rows, int i, int j) {
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            sum += (double) columns[i * rows + row] * columns[j * rows + row];
        }
        return sum;
    }
}
