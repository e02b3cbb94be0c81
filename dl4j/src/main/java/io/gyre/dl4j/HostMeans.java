package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;

/**
 * Scales the means among gradients that are in the host's memory, with the bits of ND4J's own operations. A network has
 * a few for each of its batch normalisations, all short: a call of ND4J takes longer than the arithmetic.
 */
final class HostMeans {

    private HostMeans() {}

    static void multiply(Region gradients, ElementType type, GradientViews.Mean mean, long factor) {
        long end = mean.offset() + mean.array().length();
        for (long element = mean.offset(); element < end; element++) {
            long at = element * type.bytes();
            ByteBuffer memory = gradients.window(at);
            int offset = gradients.windowOffset(at);
            switch (type) {
                case FLOAT32 -> memory.putFloat(offset, memory.getFloat(offset) * factor);
                case FLOAT64 -> memory.putDouble(offset, memory.getDouble(offset) * factor);
            }
        }
    }

    static void divide(Region gradients, ElementType type, GradientViews.Mean mean, long divisor) {
        long end = mean.offset() + mean.array().length();
        for (long element = mean.offset(); element < end; element++) {
            long at = element * type.bytes();
            ByteBuffer memory = gradients.window(at);
            int offset = gradients.windowOffset(at);
            switch (type) {
                case FLOAT32 -> memory.putFloat(offset, memory.getFloat(offset) / divisor);
                case FLOAT64 -> memory.putDouble(offset, memory.getDouble(offset) / divisor);
            }
        }
    }
}
