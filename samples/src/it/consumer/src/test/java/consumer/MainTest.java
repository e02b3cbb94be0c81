package consumer;

import org.junit.jupiter.api.Test;

/** Runs the program as users' tests would: by Surefire, in a JVM without flags. */
class MainTest {

    @Test
    void twoRanksLearnExclusiveOr() throws Exception {
        Main.main(new String[0]);
    }
}
