package io.gyre.samples.data;

import io.gyre.dl4j.ExampleSource;
import org.deeplearning4j.nn.conf.inputs.InputType;

/** What a sample model is trained on, and what measures the result. */
public interface SampleData {

    /** For messages. */
    String name();

    /** What an example's features are. */
    InputType input();

    /** Among how many classes a model chooses. */
    int choices();

    /** The examples to train on; not empty. */
    ExampleSource examples();

    /** Examples that are never trained on; perhaps none. */
    ExampleSource heldOutExamples();
}
