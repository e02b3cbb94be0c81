package io.gyre.dl4j;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** A program that does not know whether it is alone; two of its trainers share the run. */
final class OneLineProgram {

    private OneLineProgram() {}

    public static void main(String[] arguments) {
        MultiLayerNetwork model = GyreTest.perceptron();
        try (DistributedTrainer trainer = Gyre.trainer(model)) {
            trainer.fit(GyreTest.iterator(), 2);
            try (DistributedTrainer second = Gyre.trainer(GyreTest.perceptron())) {
                second.fit(GyreTest.iterator());
            }
            trainer.fit(GyreTest.iterator());
            System.out.println(
                    "2 trainers on " + trainer.parametersSha256OfAllRanks().size() + " ranks");
            System.out.println("parameters " + trainer.parametersSha256());
        }
        try (DistributedTrainer late = Gyre.trainer(model)) {
            System.out.println("joined twice, at step " + late.step());
        } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
        }
    }
}
