package app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gyre.local.Gyre;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrainTest {

    @Test
    void twoRanksLearnTheSpirals() throws Exception {
        List<Double> accuracies = Gyre.local(2).call(Train::train);

        assertTrue(accuracies.get(0) > 0.95, () -> "accuracy " + accuracies.get(0));
        assertEquals(accuracies.get(0), accuracies.get(1));
    }
}
