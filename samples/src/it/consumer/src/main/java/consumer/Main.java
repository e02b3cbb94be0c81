package consumer;

import org.nd4j.linalg.factory.Nd4j;

/** Proves that one dependency and a backend are enough. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws ClassNotFoundException {
        Class<?> region = Class.forName("io.gyre.Region");
        System.out.println(region.getName() + ", and the sum is " + Nd4j.ones(3).sumNumber());
    }
}
